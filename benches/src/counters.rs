//! The server's own count of the commands that it has run.

use std::{collections::BTreeMap, time::Duration};

use mongodb::bson::{Bson, Document};

use crate::outcome::Outcome;

/// How often each command was run since the server started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counters(BTreeMap<String, i64>);

/// How often each was run in a second.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rates(BTreeMap<String, f64>);

impl Counters {
    /// Those of a reply to `serverStatus`, without the ones that drivers and members send to watch each other.
    pub(crate) fn of(status: &Document) -> Outcome<Self> {
        let commands = status.get_document("metrics")?.get_document("commands")?;
        let total = |entry: &Bson| match entry.as_document()?.get("total")? {
            Bson::Int64(total) => Some(*total),
            Bson::Int32(total) => Some(i64::from(*total)),
            _ => None,
        };
        let work = commands.iter().filter(|(name, _)| !is_monitoring(name));
        Ok(Self(work.filter_map(|(name, entry)| Some((name.clone(), total(entry)?))).collect()))
    }

    /// How often these were run since an earlier look.
    pub(crate) fn sum_since(&self, earlier: &Self, names: &[&str]) -> u32 {
        names.iter().map(|name| self.since(earlier, name)).sum()
    }

    pub(crate) fn rates_since(&self, earlier: &Self, time: Duration) -> Rates {
        let rate = |name: &String| (name.clone(), f64::from(self.since(earlier, name)) / time.as_secs_f64());
        Rates(self.0.keys().map(rate).collect())
    }

    fn since(&self, earlier: &Self, name: &str) -> u32 {
        let of = |counters: &Self| counters.0.get(name).copied().unwrap_or_default();
        u32::try_from(of(self) - of(earlier)).unwrap_or_default()
    }
}

impl Rates {
    /// What goes beyond the commands of an idle time.
    pub(crate) fn beyond(&self, idle: &Self) -> Self {
        let rate = |(name, rate): (&String, &f64)| (name.clone(), rate - idle.0.get(name).copied().unwrap_or_default());
        Self(self.0.iter().map(rate).collect())
    }

    pub(crate) fn total(&self) -> f64 {
        self.0.values().sum::<f64>().max(0.0)
    }

    /// The commands that make a difference.
    pub(crate) fn split(&self) -> String {
        let seen = self.0.iter().filter(|(_, rate)| rate.abs() >= 0.005);
        let seen: Vec<String> = seen.map(|(name, rate)| format!("{name} {rate:.2}")).collect();
        if seen.is_empty() { "no command".into() } else { seen.join(", ") }
    }
}

fn is_monitoring(command: &str) -> bool {
    const ONES: [&str; 8] =
        ["hello", "isMaster", "ismaster", "ping", "serverStatus", "buildInfo", "endSessions", "getParameter"];
    ONES.contains(&command) || ["replSet", "sasl", "_"].iter().any(|beginning| command.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    fn counters(find: i64, update: i64, hello: i64) -> Counters {
        let total = |total: i64| doc! { "failed": 0_i64, "total": total };
        let commands = doc! {
            "<UNKNOWN>": 3_i64,
            "find": total(find),
            "update": total(update),
            "hello": total(hello),
            "replSetHeartbeat": total(hello),
        };
        Counters::of(&doc! { "metrics": { "commands": commands } }).expect("counters")
    }

    #[test]
    fn commands_of_a_time_are_counted_without_monitoring() {
        let (before, after) = (counters(10, 5, 100), counters(20, 6, 900));
        assert_eq!(after.sum_since(&before, &["find", "update"]), 11);
        assert_eq!(after.sum_since(&before, &["findAndModify", "hello"]), 0);
        let rates = after.rates_since(&before, Duration::from_secs(2));
        assert!((rates.total() - 5.5).abs() < 1e-9);
        assert_eq!(rates.split(), "find 5.00, update 0.50");
    }

    #[test]
    fn the_idle_time_is_taken_off() {
        let idle = counters(10, 6, 0).rates_since(&counters(0, 5, 0), Duration::from_secs(10));
        let rates = counters(30, 9, 0).rates_since(&counters(10, 6, 0), Duration::from_secs(10));
        assert_eq!(rates.beyond(&idle).split(), "find 1.00, update 0.20");
    }

    #[test]
    fn a_server_without_counters_is_an_error() {
        assert!(Counters::of(&doc! { "ok": 1 }).is_err());
    }
}
