//! What happened in a run: one list of events of all processes, in the order of one clock.
//!
//! A time must never make a history worse than the run was. So what a process begins is stamped before it begins
//! (`Wanted`, `Asked`, `Releasing`, `Writing`), and what it learns is stamped after it has learnt it (`Granted`, `Lost`,
//! `Accepted`, `Took` and so on): then a process that stands still in between never looks like a violation.

mod file;

use serde::{Deserialize, Serialize};

pub use file::{Header, merge, read, read_events, write, write_event, write_header};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Nanoseconds on a clock that all processes of the run share.
    pub at: u64,
    /// The process, by a number that is never used again; 0 is the one that runs the others. With `Killed`, `Paused`
    /// and `Resumed` it is the one to which that happened; with `Accepted` and `Fenced` the one that wrote.
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
    Wanted {
        /// The call, by its number.
        call: u64,
        /// Its time limit in nanoseconds: `None` waits as long as it takes, 0 never waits.
        limit: Option<u64>,
    },
    /// It brought a guard.
    Granted {
        /// The call, by its number.
        call: u64,
        /// The token of the grant.
        token: u64,
    },
    /// It said that nothing was acquired: held by another, or its time was up.
    Refused {
        /// The call, by its number.
        call: u64,
    },
    /// It failed; nobody knows what became of it.
    Failed {
        /// The call, by its number.
        call: u64,
        /// What it said.
        error: String,
    },
    /// It was dropped before its answer.
    Abandoned {
        /// The call, by its number.
        call: u64,
    },
    /// What the guard said when it was asked, and how many nanoseconds it had left.
    Asked {
        /// The token of the grant.
        token: u64,
        /// Whether it said that it holds the lock.
        held: bool,
        /// Nanoseconds that it had left.
        left: u64,
    },
    /// The guard told that its lease is lost.
    Lost {
        /// The token of the grant.
        token: u64,
        /// What the guard said about it.
        reason: String,
    },
    /// The guard is given back, by a call or by dropping it; from now on its holder does not act any more.
    Releasing {
        /// The token of the grant.
        token: u64,
    },
    /// What a call to release answered.
    Released {
        /// The token of the grant.
        token: u64,
        /// The answer.
        answer: Answer,
    },
    /// A write to the guarded resource is sent.
    Writing {
        /// The write, by its number.
        write: u64,
        /// The token of the grant.
        token: u64,
    },
    /// The resource accepted it, as its `order`-th.
    Accepted {
        /// The write, by its number.
        write: u64,
        /// The token of the grant.
        token: u64,
        /// Its place among all that the resource accepted.
        order: u64,
    },
    /// The resource refused it, since it has seen a larger token.
    Fenced {
        /// The write, by its number.
        write: u64,
        /// The token of the grant.
        token: u64,
    },
    /// A grant in the store's own account of itself, in the store's order. Times in milliseconds on the clock of the
    /// server that granted it.
    Stored {
        /// The token of the grant.
        token: u64,
        /// When it was granted.
        granted: u64,
        /// When the lease ends unless it is renewed.
        ends: u64,
        /// What the record said before.
        before: Before,
    },
    /// A call of the library's, its limit, and how long it took, in nanoseconds.
    Took {
        /// The name of the call.
        call: String,
        /// The time that it was given, in nanoseconds.
        limit: u64,
        /// How long it took, in nanoseconds; it ended at the time of the event.
        time: u64,
    },
    /// The process was killed.
    Killed,
    /// The process stood still from here on, until `Resumed`.
    Paused,
    /// It goes on.
    Resumed,
    /// A thread of the process that does nothing else woke up so much later than it wanted, in nanoseconds: the machine
    /// had no time for it until now.
    Stalled {
        /// How much later.
        time: u64,
    },
    /// A fault begins.
    Fault {
        /// Which kind of fault.
        kind: String,
        /// Where, and how much.
        detail: String,
    },
    /// It has ended.
    Healed {
        /// Which kind of fault.
        kind: String,
    },
    /// From here on nothing is disturbed.
    AllHealed,
    /// What the process uses.
    Uses {
        /// Tasks alive.
        tasks: u64,
        /// Connections to servers.
        connections: u64,
        /// Open files.
        files: u64,
        /// Bytes in memory.
        resident: u64,
    },
    /// The process panicked.
    Panicked {
        /// What it said.
        message: String,
    },
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
    Ended {
        /// That time.
        at: u64,
    },
    /// It was handed over by its holder.
    Handed,
}
