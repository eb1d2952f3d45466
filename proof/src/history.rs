//! What happened in a run: one list of events of all processes, in the order of one clock.

use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Nanoseconds on a clock that all processes of the run share.
    pub at: u64,
    /// The process, by a number that is never used again; 0 is the one that runs the others.
    pub process: u32,
    /// The lock that it is about; empty where it is about none.
    pub lock: String,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened. Calls and writes have numbers of their own within a process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// A call to acquire begins, with this time limit, if it has one, in nanoseconds.
    Wanted { call: u64, limit: Option<u64> },
    /// It brought a guard.
    Granted { call: u64, token: u64 },
    /// It said that nothing was acquired: held by another, or its time was up.
    Refused { call: u64 },
    /// It failed; nobody knows what became of it.
    Failed { call: u64, error: String },
    /// It was dropped before its answer.
    Abandoned { call: u64 },
    /// What the guard said when it was asked, and how many nanoseconds it had left.
    Asked { token: u64, held: bool, left: u64 },
    /// The guard told that its lease is lost.
    Lost { token: u64, reason: String },
    /// The guard is given back, by a call or by dropping it; from now on its holder does not act any more.
    Releasing { token: u64 },
    /// What a call to release answered.
    Released { token: u64, answer: Answer },
    /// A write to the guarded resource is sent.
    Writing { write: u64, token: u64 },
    /// The resource accepted it, as its `order`-th.
    Accepted { write: u64, token: u64, order: u64 },
    /// The resource refused it, since it has seen a larger token.
    Fenced { write: u64, token: u64 },
    /// A grant in the store's own account of itself, in the store's order. Times in milliseconds on the clock of the
    /// server that granted it.
    Stored { token: u64, granted: u64, ends: u64, before: Before },
    /// A call of the library's, its limit, and how long it took, in nanoseconds.
    Took { call: String, limit: u64, time: u64 },
    /// The process was killed.
    Killed,
    /// The process stood still from here on, until `Resumed`.
    Paused,
    /// It goes on.
    Resumed,
    /// A fault begins.
    Fault { kind: String, detail: String },
    /// It has ended.
    Healed { kind: String },
    /// From here on nothing is disturbed.
    AllHealed,
    /// What the process uses.
    Uses { tasks: u64, connections: u64, files: u64, resident: u64 },
    /// The process panicked.
    Panicked { message: String },
}

/// What a call to release answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The lock is free.
    Released,
    /// The lease was lost before.
    Lost,
    /// Nobody knows.
    Unknown,
}

/// What the record said before a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "before", rename_all = "snake_case")]
pub enum Before {
    /// There was no record.
    Nothing,
    /// The lease before was released or broken.
    Free,
    /// The lease before ended, or was to end, at that time in milliseconds.
    Ended { at: u64 },
    /// It was handed over by its holder.
    Handed,
}
