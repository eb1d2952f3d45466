//! The protocol as a model that is explored exhaustively within bounds.
//!
//! Clients wait for a lock, ask for it, repeat what was not answered, give up, hold, renew, hand over, release, pause
//! and crash, by clocks that fall behind. Their requests are delayed, reordered, lost and doubled. Servers fail over to
//! others whose clocks are wrong, idle records are removed, locks are broken, and a resource checks tokens. What is
//! decided is decided by the functions that production calls: `shylock_core::protocol`.
//!
//! Nobody needs to be paused by an action of its own: between any two steps of a client, any time may pass and any
//! message may arrive.
//!
//! - [`bounds`]: how large a world is explored.
//! - [`state`], [`message`], [`action`]: what there is, and what can happen next.
//! - `step`, `store`, `client`: what happens then.
//! - [`rules`]: each decision, by the function of production, or by a seeded [`bugs::Bug`].
//! - [`property`]: what must never be. [`tally`]: what must happen somewhere, or else the exploration shows nothing.
//! - [`explore`]: runs it.

pub mod action;
pub mod bounds;
pub mod bugs;
mod client;
pub mod explore;
pub mod message;
pub mod property;
pub mod rules;
pub mod state;
mod step;
mod store;
pub mod tally;

use stateright::{Model, Property};

use self::{action::Action, bounds::Bounds, property::Promise, rules::Rules, state::State, tally::Tally};

/// A world to explore.
#[derive(Debug)]
pub struct World {
    /// How large it is.
    pub bounds: Bounds,
    /// By which decisions.
    pub rules: Rules,
    /// What has happened in it.
    pub tally: Tally,
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        State::first(&self.bounds)
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // A state in which something is wrong is looked at no further.
        if !state.breaches.any() {
            action::possible(self, state, actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(step::step(self, state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Promise::ALL.map(Promise::property).into_iter().collect()
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.net.len() <= self.bounds.messages
    }
}
