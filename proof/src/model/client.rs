//! What clients do: of themselves, and when they are told something.

use shylock_core::{
    FencingToken, LossReason,
    protocol::{Belief, Finding, Ledger},
};

use super::{
    World,
    message::{Body, Message, Passing, Purpose},
    property::Promise,
    state::{Acquisition, Id, Phase, State},
    tally::Event,
};

pub(super) fn want(state: &mut State, client: u8) {
    wait(state, client);
    ask(state, client);
}

pub(super) fn wait(state: &mut State, client: u8) {
    let acquisition = Acquisition { ledger: Ledger::default(), phase: Phase::Waiting };
    state.clients[usize::from(client)].acquisitions.push(acquisition);
}

pub(super) fn repeat(state: &mut State, client: u8) {
    state.clients[usize::from(client)].repeats -= 1;
    ask(state, client);
}

fn ask(state: &mut State, client: u8) {
    let Some(id) = state.current(client) else { return };
    let clock = state.clock(client);
    state.acquisition_mut(id).ledger.sending(clock);
    state.send(Message::new(id, Body::Acquire(Purpose::Hold, clock)));
}

pub(super) fn give_up(world: &World, state: &mut State, client: u8) {
    let Some(id) = state.current(client) else { return };
    state.acquisition_mut(id).phase = Phase::Over;
    abandon(world, state, id);
}

/// Nobody waits for this acquisition any more.
fn abandon(world: &World, state: &mut State, id: Id) {
    let held = is_held(world, state, id);
    if world.rules.abandon(&mut state.acquisition_mut(id).ledger, held) {
        withdraw(world, state, id);
    }
}

fn withdraw(world: &World, state: &mut State, id: Id) {
    world.tally.add(Event::Withdrawing);
    state.send(Message::new(id, Body::Acquire(Purpose::Withdraw, state.clock(id.client))));
}

pub(super) fn renew(state: &mut State, client: u8) {
    if let Some((id, token)) = held(state, client) {
        state.clients[usize::from(client)].renewals -= 1;
        state.send(Message::new(id, Body::Renew(token, state.clock(client))));
    }
}

pub(super) fn write(state: &mut State, client: u8) {
    if let Some((id, token)) = held(state, client) {
        state.clients[usize::from(client)].writes -= 1;
        state.send(Message::new(id, Body::Write(token)));
    }
}

/// The lease counts as gone from here on.
pub(super) fn release(world: &World, state: &mut State, client: u8) {
    if let Some((id, token)) = held(state, client) {
        if !world.rules.holds_until_released() {
            let_go(state, id);
        }
        state.send(Message::new(id, Body::Release(token)));
    }
}

pub(super) fn hand_off(state: &mut State, client: u8, to: u8) {
    if let (Some((id, token)), Some(to)) = (held(state, client), state.current(to)) {
        let_go(state, id);
        let sent = state.clock(client);
        let ledger = &mut state.acquisition_mut(to).ledger;
        ledger.sending(sent);
        ledger.handing();
        state.send(Message::new(id, Body::HandOff(token, Passing { to, sent, awaited: true })));
    }
}

/// The belief is over, for whatever reason it was before; then the handle is gone, too.
pub(super) fn let_go(state: &mut State, id: Id) {
    let acquisition = state.acquisition_mut(id);
    if let Phase::Held(_, belief) = &mut acquisition.phase {
        belief.lose(LossReason::Released);
    }
    acquisition.phase = Phase::Over;
}

/// The holder waits no more for the answer to its hand-off, and releases; the request stays under way.
pub(super) fn stop_waiting(world: &World, state: &mut State, message: Message) {
    let late = |passing| Passing { awaited: false, ..passing };
    let (token, passing, body) = match message.body {
        Body::HandOff(token, passing) => (token, passing, Body::HandOff(token, late(passing))),
        Body::HandedOff(token, passing, new) => (token, passing, Body::HandedOff(token, late(passing), new)),
        Body::NotHandedOff(token, passing) => (token, passing, Body::NotHandedOff(token, late(passing))),
        _ => return,
    };
    state.take(message);
    state.send(Message { body, ..message });
    state.acquisition_mut(passing.to).ledger.handed();
    unknown_hand_off(world, state, message.of, token);
}

fn unknown_hand_off(world: &World, state: &mut State, of: Id, token: FencingToken) {
    if world.rules.releases_after_unknown() {
        state.send(Message::new(of, Body::Release(token)));
    }
}

/// An answer arrives.
pub(super) fn hear(world: &World, state: &mut State, Message { of, body, .. }: Message) {
    match body {
        Body::Granted(Purpose::Hold, sent, token) => {
            let clock = state.clock(of.client);
            let found = world.rules.granted(&mut state.acquisition_mut(of).ledger, sent, token, clock);
            granted(world, state, of, token, found);
        }
        Body::Granted(Purpose::Withdraw, sent, token) => {
            world.tally.add(Event::Withdrawn);
            let found = state.acquisition_mut(of).ledger.granted(sent, token);
            granted(world, state, of, token, found);
            state.acquisition_mut(of).ledger.withdrawn();
        }
        Body::Refused(Purpose::Hold) => {
            let acquisition = state.acquisition_mut(of);
            acquisition.ledger.close();
            // What is still open may be granted much later: the next request is another acquisition's.
            if acquisition.phase == Phase::Waiting && acquisition.ledger.is_doubtful() {
                give_up(world, state, of.client);
            }
        }
        Body::Refused(Purpose::Withdraw) => state.acquisition_mut(of).ledger.withdrawn(),
        Body::Renewed(token, sent) => confirm(world, state, of, token, sent),
        Body::NotHeld(token) => told_not_held(world, state, of, token),
        Body::HandedOff(_, passing, token) => {
            let clock = state.clock(passing.to.client);
            let ledger = &mut state.acquisition_mut(passing.to).ledger;
            let found = world.rules.handed(ledger, passing.sent, token, clock);
            if passing.awaited {
                ledger.handed();
            }
            granted(world, state, passing.to, token, found);
        }
        Body::NotHandedOff(_, passing) => {
            let ledger = &mut state.acquisition_mut(passing.to).ledger;
            ledger.close();
            if passing.awaited {
                ledger.handed();
            }
        }
        Body::Acquire(..) | Body::Renew(..) | Body::Release(_) | Body::HandOff(..) | Body::Write(_) => {}
    }
}

fn granted(world: &World, state: &mut State, id: Id, token: FencingToken, found: Finding<u8>) {
    let release = Message::new(id, Body::Release(token));
    match found {
        Finding::Known => {}
        Finding::Unwanted(_) => {
            world.tally.add(Event::Unwanted);
            if world.rules.releases_unwanted(state.acquisition(id)) {
                state.send(release);
            }
        }
        Finding::Wanted(sent) => {
            // How long the lock was held does not matter in a world without `max_hold`.
            state.acquisition_mut(id).phase = Phase::Held(token, Belief::new(sent, sent));
            let good = is_held(world, state, id);
            if !good {
                world.tally.add(Event::GrantedTooLate);
                let_go(state, id);
                state.send(release);
            }
            // The waiter has what it wanted, or asks anew under another id.
            abandon(world, state, id);
        }
    }
}

fn confirm(world: &World, state: &mut State, of: Id, token: FencingToken, sent: u8) {
    let Some((id, _)) = held(state, of.client).filter(|(id, held)| world.rules.is_for(of, token, *id, *held)) else {
        return;
    };
    let (clock, age, terms) = (state.clock(id.client), state.age(id.client), world.bounds.terms());
    let Phase::Held(_, belief) = &mut state.acquisition_mut(id).phase else { return };
    let before = belief.clone().valid_for(&terms, &age);
    if before.is_err() {
        world.tally.add(Event::ConfirmedTooLate);
    }
    world.rules.confirm(belief, sent, clock, terms, &age);
    let after = belief.clone().valid_for(&terms, &age);
    state.breaches.check(Promise::BeliefGrows, after.ok() >= before.ok());
}

fn told_not_held(world: &World, state: &mut State, of: Id, token: FencingToken) {
    let (age, terms) = (state.age(of.client), world.bounds.terms());
    if let Phase::Held(held, belief) = &mut state.acquisition_mut(of).phase
        && *held == token
    {
        world.rules.told_not_held(belief);
        let over = belief.clone().valid_for(&terms, age).is_err();
        state.breaches.check(Promise::LostForGood, over);
    }
}

/// A message was lost. Its sender is told that nobody knows what became of it.
pub(super) fn miss(world: &World, state: &mut State, Message { of, body, .. }: Message) {
    match body {
        Body::Acquire(Purpose::Hold, _) | Body::Granted(Purpose::Hold, ..) | Body::Refused(Purpose::Hold) => {
            doubt(world, state, of);
        }
        Body::Granted(Purpose::Withdraw, ..) | Body::Refused(Purpose::Withdraw) => withdraw(world, state, of),
        Body::HandOff(token, passing) | Body::HandedOff(token, passing, _) | Body::NotHandedOff(token, passing) => {
            doubt(world, state, passing.to);
            if passing.awaited {
                state.acquisition_mut(passing.to).ledger.handed();
                unknown_hand_off(world, state, of, token);
            }
        }
        Body::Renew(token, sent) | Body::Renewed(token, sent) => {
            let (age, terms) = (state.age(of.client), world.bounds.terms());
            if let Phase::Held(held, belief) = &mut state.acquisition_mut(of).phase
                && *held == token
            {
                world.rules.renewal_failed(belief, sent, terms, age);
            }
        }
        Body::Acquire(Purpose::Withdraw, _) | Body::NotHeld(_) | Body::Release(_) | Body::Write(_) => {}
    }
}

fn doubt(world: &World, state: &mut State, id: Id) {
    let held = is_held(world, state, id);
    if world.rules.doubt(&mut state.acquisition_mut(id).ledger, held) {
        withdraw(world, state, id);
    }
}

/// Whether the lease that was handed out is good.
pub(super) fn is_held(world: &World, state: &State, id: Id) -> bool {
    match &state.acquisition(id).phase {
        Phase::Held(_, belief) => world.rules.is_valid(&mut belief.clone(), world.bounds.terms(), state.age(id.client)),
        Phase::Waiting | Phase::Over => false,
    }
}

fn held(state: &State, client: u8) -> Option<(Id, FencingToken)> {
    let id = state.current(client)?;
    match state.acquisition(id).phase {
        Phase::Held(token, _) => Some((id, token)),
        Phase::Waiting | Phase::Over => None,
    }
}
