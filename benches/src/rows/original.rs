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

pub(crate) const NAMES: [&str; 4] = [
    "beside the Python library: free acquire + release, p50",
    "beside the Python library: hand-off, 2 waiters, p50",
    "beside the Python library: hand-off, 100 waiters, p90",
    "beside the Python library: hand-off, 4 processes with 8 waiters each, p90",
];

/// A comparison of hand-offs: the processes that wait (0: the holder's own), the waiters in each, the percentile, and
/// how many times better ours shall be.
const HAND_OFFS: [(usize, usize, usize, f64); 3] = [(0, 2, 50, 8.0), (0, 100, 90, 20.0), (4, 8, 90, 10.0)];

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

pub(crate) async fn rows(context: &Context) -> Outcome<Vec<Row>> {
    let not_measured = |why: String| Ok(NAMES.map(|name| Row::not_measured(name, why.clone())).to_vec());
    let Store::Mongo(mongo) = &context.store else {
        return not_measured("only on MongoDB".into());
    };
    let python = match Python::with_library().await {
        Ok(python) => python,
        Err(error) => return not_measured(format!("the library cannot be had: {error}")),
    };
    let versions = python.versions().await?;
    let parties = Parties { context, mongo, python };
    let mut rows = vec![parties.free().await?.row(NAMES[0], 50, 1.0, &versions)?];
    for (name, (processes, waiters, percent, times)) in NAMES[1..].iter().zip(HAND_OFFS) {
        rows.push(parties.hand_offs(processes, waiters).await?.row(name, percent, times, &versions)?);
    }
    Ok(rows)
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
            if contest.ours.len() >= self.context.scale.hand_offs {
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
