//! What a state becomes by an action, and whether that breaks a promise.

use super::{
    World,
    action::Action,
    client,
    message::{Body, Message},
    property::Promise,
    state::{Id, Phase, State},
    store,
    tally::Event,
};

/// The state after an action.
pub(super) fn step(world: &World, before: &State, action: Action) -> State {
    let mut after = before.clone();
    act(world, &mut after, action);
    if let Action::Lose(_) | Action::Double(_) | Action::FailOver(_) | Action::RollBack | Action::Crash(_) = action {
        after.faults -= 1;
    }
    after.forget();
    check(world, before, &mut after);
    after
}

fn act(world: &World, state: &mut State, action: Action) {
    match action {
        Action::Tick(late) => {
            state.now += 1;
            for (client, process) in state.clients.iter_mut().zip(world.bounds.processes) {
                client.lag += u8::from(late == Some(*process));
            }
        }
        Action::Want(client) => client::want(state, client),
        Action::Wait(client) => client::wait(state, client),
        Action::Repeat(client) => client::repeat(state, client),
        Action::GiveUp(client) => client::give_up(world, state, client),
        Action::Renew(client) => client::renew(state, client),
        Action::Release(client) => client::release(world, state, client),
        Action::HandOff(client, to) => client::hand_off(state, client, to),
        Action::StopWaiting(message) => client::stop_waiting(world, state, message),
        Action::Write(client) => client::write(state, client),
        Action::Crash(process) => crash(world, state, process),
        Action::Deliver(message) => deliver(world, state, message),
        Action::Lose(message) => {
            state.take(message);
            client::miss(world, state, message);
        }
        Action::Double(message) => {
            state.clients[usize::from(message.of.client)].doubled = true;
            if let Body::HandOff(_, passing) = message.body {
                state.clients[usize::from(passing.to.client)].doubled = true;
            }
            state.send(Message { copy: true, ..message });
        }
        Action::FailOver(skew) => state.skew = skew,
        Action::RollBack => {
            world.tally.add(Event::RolledBack);
            state.record = state.durable;
        }
        Action::Remove => {
            world.tally.add(Event::Removed);
            let alive = state.newest.is_some_and(|newest| newest.is_live(state.server_time()));
            state.breaches.check(Promise::OneLease, !alive);
            state.record = None;
        }
        Action::Break => {
            state.breaks -= 1;
            store::break_it(world, state);
        }
    }
}

fn deliver(world: &World, state: &mut State, message: Message) {
    state.take(message);
    if message.is_answer() {
        return client::hear(world, state, message);
    }
    let mut answer = store::carry_out(world, state, message);
    if let Body::Release(token) = message.body
        && world.rules.holds_until_released()
    {
        answer = Some(Body::NotHeld(token));
    }
    let heard = !message.copy && !state.clients[usize::from(message.of.client)].crashed;
    if let Some(body) = answer.filter(|_| heard) {
        state.send(Message { body, ..message });
    }
}

/// A process ends. What it has sent is still under way.
fn crash(world: &World, state: &mut State, process: u8) {
    for client in state.places().filter(|client| world.bounds.processes[usize::from(*client)] == process) {
        let gone = &mut state.clients[usize::from(client)];
        gone.crashed = true;
        (gone.lag, gone.repeats, gone.renewals, gone.writes) = (0, 0, 0, 0);
        gone.acquisitions.iter_mut().for_each(|acquisition| acquisition.phase = Phase::Over);
        state.net.retain(|message| !(message.is_answer() && message.of.client == client));
    }
}

fn check(world: &World, before: &State, after: &mut State) {
    check_loss(world, before, after);
    check_what_is_left(world, after);
}

/// Who believes to hold the lock, must be alone in that, and must have believed it before if it was not granted now.
fn check_loss(world: &World, before: &State, after: &mut State) {
    let mut believers = 0;
    for client in after.places() {
        let Some(id) = after.current(client).filter(|id| client::is_held(world, after, *id)) else { continue };
        believers += 1;
        let granted_to_another = before.newest.map(|newest| newest.token) != after.newest.map(|newest| newest.token)
            && after.newest.is_some_and(|newest| newest.holder != world.rules.holder(id));
        after.breaches.check(Promise::LossComesFirst, !granted_to_another || after.was_broken);
        let was_lost = before.current(client) == Some(id)
            && matches!(before.acquisition(id).phase, Phase::Held(..))
            && !client::is_held(world, before, id);
        after.breaches.check(Promise::LostForGood, !was_lost);
    }
    after.breaches.check(Promise::LossComesFirst, believers <= 1 || after.was_broken);
}

/// No lease is alive that nobody waits for, holds, or is about to give back. Requests that are carried out after their
/// failure was told, and crashes, leave something behind: its end is its ttl.
fn check_what_is_left(world: &World, state: &mut State) {
    let Some(record) = state.record.filter(|record| record.is_live(state.server_time())) else { return };
    let ids = state.places().flat_map(|client| state.ids(client));
    let mut owners = ids.filter(|id| world.rules.holder(*id) == record.holder);
    let cares = |id: &Id| {
        let client = &state.clients[usize::from(id.client)];
        let excused = client.crashed || client.doubled;
        excused || state.acquisition(*id).phase != Phase::Over || state.net.iter().any(|message| message.concerns(*id))
    };
    let kept = owners.any(|id| cares(&id));
    state.breaches.check(Promise::NothingIsLeft, kept);
}
