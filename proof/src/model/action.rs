//! [`Action`]: what can happen next.

use super::{
    World,
    message::{Body, Message, Purpose},
    state::{Id, Phase, State},
};

/// What can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Time passes; for this process it does not seem to.
    Tick(Option<u8>),
    /// A client wants the lock, and asks for it.
    Want(u8),
    /// A client wants the lock, and waits for one of its own process to hand it over.
    Wait(u8),
    /// A client asks under the same id once more.
    Repeat(u8),
    /// A client waits no more.
    GiveUp(u8),
    /// A client renews.
    Renew(u8),
    /// A client lets go, while its lease is good or not.
    Release(u8),
    /// A client hands over to another of its process.
    HandOff(u8, u8),
    /// A client waits no more for the answer to its hand-off.
    StopWaiting(Message),
    /// A client finds its lease good, and writes.
    Write(u8),
    /// A process ends.
    Crash(u8),
    /// A message arrives.
    Deliver(Message),
    /// A message is lost, and its sender is told that nobody knows.
    Lose(Message),
    /// A request is doubled.
    Double(Message),
    /// A server with another clock becomes primary.
    FailOver(i8),
    /// What a weak write concern has acknowledged is undone.
    RollBack,
    /// An idle record is removed.
    Remove,
    /// Somebody outside breaks the lock.
    Break,
}

/// All that can happen next.
pub(super) fn possible(world: &World, state: &State, actions: &mut Vec<Action>) {
    time(world, state, actions);
    state.places().for_each(|client| of_client(world, state, client, actions));
    let mut last = None;
    for message in &state.net {
        if last.replace(message) != Some(message) {
            of_message(state, *message, actions);
        }
    }
    of_store(world, state, actions);
}

fn time(world: &World, state: &State, actions: &mut Vec<Action>) {
    if state.now < world.bounds.until {
        actions.push(Action::Tick(None));
        let mut last = None;
        for (client, process) in state.clients.iter().zip(world.bounds.processes) {
            if last.replace(process) != Some(process) && client.lag < world.bounds.drift && !client.crashed {
                actions.push(Action::Tick(Some(*process)));
            }
        }
    }
}

fn of_client(world: &World, state: &State, place: u8, actions: &mut Vec<Action>) {
    let client = &state.clients[usize::from(place)];
    if client.crashed {
        return;
    }
    let process = world.bounds.processes[usize::from(place)];
    let mates =
        || state.places().filter(|other| *other != place && world.bounds.processes[usize::from(*other)] == process);
    match state.current(place).map(|id| (id, &state.acquisition(id).phase)) {
        Some((_, Phase::Waiting)) => {
            actions.push(Action::GiveUp(place));
            if client.repeats > 0 {
                actions.push(Action::Repeat(place));
            }
        }
        Some((id, Phase::Held(_, belief))) => {
            let valid = world.rules.is_valid(&mut belief.clone(), world.bounds.terms(), state.age(place));
            if !is_releasing(state, id) {
                actions.push(Action::Release(place));
            }
            if valid && client.renewals > 0 {
                actions.push(Action::Renew(place));
            }
            if valid && client.writes > 0 {
                actions.push(Action::Write(place));
            }
            if valid {
                let waiting =
                    |other: &u8| state.current(*other).is_some_and(|id| state.acquisition(id).phase == Phase::Waiting);
                actions.extend(mates().filter(waiting).map(|to| Action::HandOff(place, to)));
            }
        }
        Some((_, Phase::Over)) | None if client.acquisitions.len() < usize::from(world.bounds.wishes) => {
            actions.push(Action::Want(place));
            if mates().next().is_some() {
                actions.push(Action::Wait(place));
            }
        }
        Some((_, Phase::Over)) | None => {}
    }
    let is_in_use = |client: u8| state.current(client).is_some_and(|id| state.acquisition(id).phase != Phase::Over);
    if state.faults > 0 && is_in_use(place) {
        actions.push(Action::Crash(process));
    }
}

/// Whether its release is on its way, which matters only where the lease is good until then.
fn is_releasing(state: &State, id: Id) -> bool {
    state.net.iter().any(|message| message.of == id && matches!(message.body, Body::Release(_)))
}

fn of_message(state: &State, message: Message, actions: &mut Vec<Action>) {
    actions.push(Action::Deliver(message));
    if let Body::HandOff(_, passing) | Body::HandedOff(_, passing, _) | Body::NotHandedOff(_, passing) = message.body
        && passing.awaited
        && !message.copy
    {
        actions.push(Action::StopWaiting(message));
    }
    if state.faults == 0 || message.copy {
        return;
    }
    // A release, and a withdrawal, is repeated until its answer comes: the loss of the request changes nothing.
    let may_be_lost = !matches!(message.body, Body::Write(_) | Body::Release(_) | Body::Acquire(Purpose::Withdraw, _));
    if may_be_lost {
        actions.push(Action::Lose(message));
    }
    if !message.is_answer() {
        actions.push(Action::Double(message));
    }
}

fn of_store(world: &World, state: &State, actions: &mut Vec<Action>) {
    let most = world.bounds.skew;
    if state.faults > 0 {
        if most != 0 {
            actions.push(Action::FailOver(-state.skew));
        }
        if world.rules.rolls_back() && state.durable != state.record {
            actions.push(Action::RollBack);
        }
    }
    if let Some(record) = &state.record {
        let now = state.server_time();
        let retention = world.rules.retention(&world.bounds);
        if retention.is_some_and(|retention| world.rules.may_be_removed(record, now, retention)) {
            actions.push(Action::Remove);
        }
        if state.breaks > 0 && record.is_live(now) {
            actions.push(Action::Break);
        }
    }
}
