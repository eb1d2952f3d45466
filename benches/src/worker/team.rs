//! Processes that pass a lock on.

use std::time::Duration;

use tokio::time;

use super::{
    child::Child,
    protocol::{number, unexpected},
};
use crate::{outcome::Outcome, turns::Turn, waiters::settling};

/// The first holds the lock, the others wait for it; alone, it does both.
pub(crate) struct Team {
    members: Vec<Child>,
    /// How many wait in each process that waits.
    each: usize,
}

impl Team {
    pub(crate) const fn new(members: Vec<Child>, each: usize) -> Self {
        Self { members, each }
    }

    /// Who held the lock when: the first holder and all who waited.
    pub(crate) async fn round(&mut self, name: &str, round: usize) -> Outcome<Vec<Turn>> {
        let Self { members, each } = self;
        let alone = members.len() == 1;
        members[0].tell(&format!("hold {name}")).await?;
        members[0].expect("holding").await?;
        let first_waiting = usize::from(!alone);
        for member in &mut members[first_waiting..] {
            member.tell(&format!("queue {name} {each}")).await?;
        }
        for member in &mut members[first_waiting..] {
            member.expect("in line").await?;
        }
        time::sleep(settling(round)).await;
        members[0].tell("release").await?;
        let mut turns = Vec::new();
        for (number, member) in members.iter_mut().enumerate() {
            let holder = usize::from(number == 0);
            let waiters = if number == 0 && !alone { 0 } else { *each };
            for _ in 0..holder + waiters {
                turns.push(Turn::parse(&member.hear().await?)?);
            }
        }
        Ok(turns)
    }

    /// The times of free acquisitions and releases by the first.
    pub(crate) async fn cycles(&mut self, name: &str, count: usize) -> Outcome<Vec<Duration>> {
        let member = self.members.first_mut().ok_or_else(|| unexpected("nothing"))?;
        member.tell(&format!("cycles {name} {count}")).await?;
        let mut times = Vec::new();
        for _ in 0..count {
            times.push(Duration::from_nanos(number(&member.hear().await?, "time")?));
        }
        Ok(times)
    }
}
