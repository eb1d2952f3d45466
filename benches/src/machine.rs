//! What the numbers were measured on, and whether it was idle.

use std::{
    fs, thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::outcome::Outcome;

/// A machine that is less idle than this shares its cores with something else.
const IDLE: f64 = 0.9;

/// Today, the processor, its cores.
pub(crate) fn description() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    let cores = thread::available_parallelism().map_or_else(|_| "?".into(), |cores| cores.to_string());
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text));
    let cpu = cpu.unwrap_or_else(|| "unknown".into());
    format!("- date: {year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC\n- processor: {cpu}, {cores} cores")
}

/// The load averages, and the share of the last second in which the processor had nothing to do.
pub(crate) struct Load {
    averages: String,
    idle: f64,
}

impl Load {
    /// Takes a second.
    pub(crate) fn look() -> Outcome<Self> {
        let before = ticks(&fs::read_to_string("/proc/stat")?)?;
        thread::sleep(Duration::from_secs(1));
        let after = ticks(&fs::read_to_string("/proc/stat")?)?;
        let averages = fs::read_to_string("/proc/loadavg")?;
        let averages = averages.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        Ok(Self { averages, idle: idle_share(before, after) })
    }

    pub(crate) fn show(&self, when: &str) -> String {
        format!("- load {when}: {}, {:.0} % idle", self.averages, self.idle * 100.0)
    }

    pub(crate) fn warning(&self) -> Option<String> {
        let busy = self.idle < IDLE;
        busy.then(|| format!("**The machine was not idle ({:.0} %): do not trust these numbers.**", self.idle * 100.0))
    }
}

/// Year, month and day of a day since 1970.
fn date(mut day: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The ticks that the processors spent idle, and all of them.
fn ticks(stat: &str) -> Outcome<(u32, u32)> {
    let line = stat.lines().next().ok_or("/proc/stat is empty")?;
    let ticks: Vec<u64> = line.split_whitespace().skip(1).map(str::parse).collect::<Result<_, _>>()?;
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    // Only differences count, and they are small: wrapping is fine.
    let low = |ticks: u64| u32::try_from(ticks & u64::from(u32::MAX)).unwrap_or_default();
    Ok((low(idle), low(ticks.iter().take(8).sum())))
}

fn idle_share(before: (u32, u32), after: (u32, u32)) -> f64 {
    f64::from(after.0.wrapping_sub(before.0)) / f64::from(after.1.wrapping_sub(before.1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(20_453), (2025, 12, 31));
        assert_eq!(date(20_454), (2026, 1, 1));
    }

    #[test]
    fn the_idle_share_is_of_the_time_between() {
        let before = ticks("cpu  10 0 10 70 10 0 0 0 0 0\ncpu0 1").expect("a line");
        let after = ticks("cpu  20 0 20 130 30 0 0 0 0 0\n").expect("a line");
        assert_eq!((before, after), ((80, 100), (160, 200)));
        assert!((idle_share(before, after) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn the_model_is_found() {
        assert_eq!(model("processor : 0\nmodel name\t: A CPU\n").as_deref(), Some("A CPU"));
        assert_eq!(model("processor : 0\n"), None);
    }
}
