//! What is measured: one file a measurement, each giving one row or a few.

mod burst;
pub(crate) mod crowd;
mod free;
mod hand_off;
pub(crate) mod keeping;
mod many;
mod original;
mod processes;
mod renewing;
mod throughput;
mod waiting;

use self::original::Comparison;
use crate::{context::Context, outcome::Outcome, row::Row, scale::Scale};

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measurement {
    Free,
    Throughput,
    InOneProcess { waiters: usize },
    BetweenProcesses { processes: usize, waiters: usize },
    Waiting { polling: bool },
    Renewing,
    FreeInMemory,
    Crowd,
    Original(Comparison),
    Burst,
    Keeping,
}

impl Measurement {
    /// In the order of the table. The one that leaves 100,000 records behind comes last.
    pub(crate) const ALL: [Self; 18] = [
        Self::Free,
        Self::Throughput,
        Self::InOneProcess { waiters: 2 },
        Self::InOneProcess { waiters: 10 },
        Self::InOneProcess { waiters: 100 },
        Self::BetweenProcesses { processes: 2, waiters: 1 },
        Self::BetweenProcesses { processes: 4, waiters: 8 },
        Self::Waiting { polling: false },
        Self::Waiting { polling: true },
        Self::FreeInMemory,
        Self::Crowd,
        Self::Original(Comparison::Free),
        Self::Original(Comparison::HandOff { processes: 0, waiters: 2 }),
        Self::Original(Comparison::HandOff { processes: 0, waiters: 100 }),
        Self::Original(Comparison::HandOff { processes: 4, waiters: 8 }),
        Self::Renewing,
        Self::Burst,
        Self::Keeping,
    ];

    /// Whether a store in memory will do.
    pub(crate) const fn needs_no_database(self) -> bool {
        !matches!(self, Self::BetweenProcesses { .. } | Self::Waiting { .. } | Self::Original(_))
    }

    /// The names of its rows.
    pub(crate) fn names(self, scale: &Scale) -> Vec<String> {
        match self {
            Self::Free => free::NAMES.map(str::to_owned).to_vec(),
            Self::Throughput => vec![throughput::name()],
            Self::InOneProcess { waiters } => hand_off::names(waiters),
            Self::BetweenProcesses { processes, waiters } => vec![processes::name(processes, waiters)],
            Self::Waiting { polling } => vec![waiting::name(scale, polling)],
            Self::Renewing => vec![renewing::name(scale)],
            Self::FreeInMemory => vec![free::IN_MEMORY.to_owned()],
            Self::Crowd => vec![crowd::name(scale)],
            Self::Original(comparison) => vec![comparison.name()],
            Self::Burst => burst::names(scale).to_vec(),
            Self::Keeping => keeping::names(scale),
        }
    }

    /// Measures.
    pub(crate) async fn rows(self, context: &Context) -> Outcome<Vec<Row>> {
        match self {
            Self::Free => free::rows(context).await,
            Self::Throughput => throughput::row(context).await.map(one),
            Self::InOneProcess { waiters } => hand_off::rows(context, waiters).await,
            Self::BetweenProcesses { processes, waiters } => processes::row(context, processes, waiters).await.map(one),
            Self::Waiting { polling } => waiting::row(context, polling).await.map(one),
            Self::Renewing => renewing::row(context).await.map(one),
            Self::FreeInMemory => free::in_memory(context).await.map(one),
            Self::Crowd => crowd::row(context).await.map(one),
            Self::Original(comparison) => original::row(context, comparison).await.map(one),
            Self::Burst => burst::rows(context).await,
            Self::Keeping => keeping::rows(context).await,
        }
    }
}

fn one(row: Row) -> Vec<Row> {
    vec![row]
}
