//! Beside the Python library that this one follows: the same procedure, on the same server, in turns.

use std::time::Duration;

use crate::{
    context::Context,
    outcome::Outcome,
    python::{Driver, Python},
    quantity::Quantity,
    row::Row,
    statistics::Times,
    store::{MongoStore, Store},
    turns::latencies,
    worker::{Child, Team},
};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Free,
    /// The processes that wait (0: the holder's own), and the waiters in each.
    HandOff {
        processes: usize,
        waiters: usize,
    },
}

impl Comparison {
    pub(crate) fn name(self) -> String {
        let percent = self.percent();
        let what = match self {
            Self::Free => "free acquire + release".into(),
            Self::HandOff { processes: 0, waiters } => format!("hand-off, {waiters} waiters"),
            Self::HandOff { processes, waiters } => {
                format!("hand-off, {processes} processes with {waiters} waiters each")
            }
        };
        format!("beside the Python library: {what}, p{percent}")
    }

    /// With few waiters the usual hand-off counts, with many the slow ones: many pollers find a free lock soon, but
    /// not each time.
    const fn percent(self) -> usize {
        match self {
            Self::Free | Self::HandOff { waiters: ..8, .. } => 50,
            Self::HandOff { .. } => 90,
        }
    }

    /// How many times better ours shall be.
    const fn goal(self) -> f64 {
        match self {
            Self::Free => 1.0,
            Self::HandOff { waiters: ..8, .. } => 8.0,
            Self::HandOff { processes: 0, .. } => 20.0,
            Self::HandOff { .. } => 10.0,
        }
    }
}

/// The times of ours, and those of the library by each of its drivers.
struct Contest {
    ours: Vec<Duration>,
    theirs: [Vec<Duration>; 2],
}

struct Parties<'a> {
    context: &'a Context,
    mongo: &'a MongoStore,
    python: Python,
}

pub(crate) async fn row(context: &Context, comparison: Comparison) -> Outcome<Row> {
    let name = comparison.name();
    let Store::Mongo(mongo) = &context.store else {
        return Ok(Row::not_measured(name, "only on MongoDB"));
    };
    let python = match Python::with_library().await {
        Ok(python) => python,
        Err(error) => return Ok(Row::not_measured(name, format!("the library cannot be had: {error}"))),
    };
    let versions = python.versions().await?;
    let parties = Parties { context, mongo, python };
    let contest = match comparison {
        Comparison::Free => parties.free().await?,
        Comparison::HandOff { processes, waiters } => parties.hand_offs(processes, waiters).await?,
    };
    contest.row(&name, comparison.percent(), comparison.goal(), &versions)
}

impl Parties<'_> {
    async fn free(&self) -> Outcome<Contest> {
        const ROUNDS: usize = 10;
        let [mut ours, mut pymongo, mut motor] = self.teams(0, 0).await?;
        let name = self.context.name("free");
        let mut contest = Contest::new();
        for round in 0..=ROUNDS {
            let count = self.context.scale.cycles.div_ceil(ROUNDS);
            let times = [
                ours.cycles(&name, count).await?,
                pymongo.cycles(&name, count).await?,
                motor.cycles(&name, count).await?,
            ];
            // The first is for the caches.
            if round > 0 {
                contest.add(times);
            }
        }
        Ok(contest)
    }

    async fn hand_offs(&self, processes: usize, waiters: usize) -> Outcome<Contest> {
        let mut teams = self.teams(processes, waiters).await?;
        let name = self.context.name("passed-on");
        let mut contest = Contest::new();
        for round in 0.. {
            if contest.ours.len() >= self.context.scale.hand_offs && round >= self.context.scale.rounds {
                break;
            }
            let mut times = [Vec::new(), Vec::new(), Vec::new()];
            for (team, times) in teams.iter_mut().zip(&mut times) {
                *times = latencies(team.round(&name, round).await?)?;
            }
            contest.add(times);
        }
        Ok(contest)
    }

    /// Ours, and one for each driver.
    async fn teams(&self, processes: usize, waiters: usize) -> Outcome<[Team; 3]> {
        let (mut ours, mut pymongo, mut motor) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..=processes {
            ours.push(Child::on(&self.context.store).await?);
            pymongo.push(self.python.child(Driver::Pymongo, self.mongo).await?);
            motor.push(self.python.child(Driver::Motor, self.mongo).await?);
        }
        Ok([ours, pymongo, motor].map(|members| Team::new(members, waiters)))
    }
}

impl Contest {
    const fn new() -> Self {
        Self { ours: Vec::new(), theirs: [Vec::new(), Vec::new()] }
    }

    fn add(&mut self, [ours, pymongo, motor]: [Vec<Duration>; 3]) {
        self.ours.extend(ours);
        self.theirs[0].extend(pymongo);
        self.theirs[1].extend(motor);
    }

    /// Beside the better one of the drivers.
    fn row(self, name: &str, percent: usize, times: f64, versions: &str) -> Outcome<Row> {
        let ours = Times::new(self.ours)?.percentile(percent);
        let mut theirs = Vec::new();
        for (driver, times) in Driver::ALL.into_iter().zip(self.theirs) {
            theirs.push((Times::new(times)?.percentile(percent), driver.name()));
        }
        let shown = theirs.iter().map(|(time, driver)| format!("{driver} {}", Quantity::Time(*time)));
        let text = format!("ratio: its time to ours; {}; {versions}", shown.collect::<Vec<_>>().join(", "));
        let (best, _) = theirs.into_iter().min().ok_or("the library has no driver")?;
        Ok(Row::better(name, ours, best, times).saying(text))
    }
}
