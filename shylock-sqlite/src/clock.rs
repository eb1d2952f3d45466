//! The file's clock: it follows the wall clock from one start of the machine to the next, and nobody can set it in between.

use std::time::Duration;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::{fs, io, path::Path};

use shylock_core::BackendError;

#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::{error::SqliteError, mounts};

/// How far ahead the file's clock is promised to come, so that a power failure cannot turn it back.
const RESERVE: Duration = Duration::from_secs(10 * 60);

/// Whether nobody can set the clock that leases end on: it shows less than before only if the machine was started again.
pub(crate) const IS_STEADY: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The kernel's name of this start of the machine.
#[cfg(any(target_os = "linux", target_os = "android"))]
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// This start of this machine, and the clock that counts since then.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) boot: String,
    /// What the clock of this process' time namespace is ahead of the machine's, in nanoseconds.
    shift: i128,
}

/// What the file says of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Era {
    /// Its time when it was first opened after the start of the machine. What was granted before is over: all holders
    /// ended with the machine.
    pub(crate) began: Duration,
    /// The machine's clock at that time.
    pub(crate) uptime: Duration,
    /// It is on disk that the clock may come to here; the next era begins no earlier.
    pub(crate) reserved: Duration,
}

impl Era {
    /// The first after a start of the machine. `before`: the latest time to which the one before may have come.
    pub(crate) fn begin(before: Duration, wall: Duration, uptime: Duration) -> Self {
        let began = wall.max(before);
        Self { began, uptime, reserved: began + RESERVE }
    }

    /// The file's time, in whole microseconds.
    pub(crate) fn now(&self, uptime: Duration) -> Duration {
        whole_micros(self.began.saturating_add(uptime.saturating_sub(self.uptime)))
    }

    /// Whether the machine was started again since, though its kernel has the same `boot_id` as before: a board without
    /// entropy, a virtual machine that goes on from a snapshot. Its clock shows a time that is over. `latest`: the latest
    /// time in the file.
    pub(crate) fn is_over(&self, uptime: Duration, latest: Duration) -> bool {
        let known = latest.max(self.reserved.saturating_sub(RESERVE));
        IS_STEADY && (uptime < self.uptime || self.now(uptime) < whole_micros(known))
    }

    /// To where the clock may come from now on.
    pub(crate) fn reservation(&self, now: Duration) -> Duration {
        self.reserved.max(now + RESERVE)
    }
}

/// Cuts off what is not stored.
pub(crate) fn whole_micros(time: Duration) -> Duration {
    Duration::new(time.as_secs(), time.subsec_micros() * 1000)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Machine {
    pub(crate) fn this() -> Result<Self, BackendError> {
        if mounts::is_mount_point(&mounts::read(), Path::new(BOOT_ID)) {
            return Err(BackendError::permanent(SqliteError::HiddenBoot));
        }
        let failed = |error| BackendError::not_applied(error, None);
        let boot = fs::read_to_string(BOOT_ID).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                BackendError::permanent(SqliteError::NoBootId(error))
            }
            _ => failed(error),
        })?;
        let boot = boot.trim().to_owned();
        let namespace = |link| if_there(fs::read_link(link)).map_err(failed);
        if are_other_times(namespace("/proc/self/ns/time")?, namespace("/proc/self/ns/time_for_children")?) {
            return Err(BackendError::permanent(SqliteError::OtherTime));
        }
        let offsets = if_there(fs::read_to_string("/proc/self/timens_offsets")).map_err(failed)?;
        Ok(Self { boot, shift: shift(&offsets.unwrap_or_default()) })
    }

    /// Since the machine's start. It counts suspended time, and cannot be set.
    pub(crate) fn uptime(&self) -> Duration {
        let seen = Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::Boottime)).unwrap_or_default();
        let nanos = i128::try_from(seen.as_nanos()).unwrap_or_default() - self.shift;
        u64::try_from(nanos).map(Duration::from_nanos).unwrap_or_default()
    }
}

/// Elsewhere it is the wall clock that counts, and all is one era.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Machine {
    pub(crate) fn this() -> Result<Self, BackendError> {
        Ok(Self { boot: String::new(), shift: 0 })
    }

    pub(crate) fn uptime(&self) -> Duration {
        wall()
    }
}

/// The wall clock, since 1970.
pub(crate) fn wall() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Kernels without time namespaces have no such files.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn if_there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Whether a process and its children are in different time namespaces: the kernel then tells the children's offsets only.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn are_other_times(own: Option<std::path::PathBuf>, childrens: Option<std::path::PathBuf>) -> bool {
    own.zip(childrens).is_some_and(|(own, childrens)| own != childrens)
}

/// Reads `boottime <seconds> <nanoseconds>`.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn shift(offsets: &str) -> i128 {
    let boottime = offsets.lines().find_map(|line| line.strip_prefix("boottime"));
    let mut numbers = boottime.into_iter().flat_map(str::split_whitespace).map_while(|number| number.parse().ok());
    let seconds: i128 = numbers.next().unwrap_or_default();
    seconds * 1_000_000_000 + numbers.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn the_clock_goes_with_the_machine() {
        let era = Era::begin(Duration::ZERO, s(1000), s(50));
        assert_eq!((era.now(s(50)), era.now(s(60))), (s(1000), s(1010)));
        assert_eq!(era.now(s(40)), s(1000), "it cannot fall behind its beginning");
        assert_eq!(era.now(Duration::new(60, 1_999)), s(1010) + Duration::from_micros(1));
    }

    #[test]
    fn a_wall_clock_that_was_set_back_does_not_turn_it_back() {
        let before = Era::begin(Duration::ZERO, s(1000), s(50));
        let latest = before.reserved - Duration::from_micros(1);
        for wall in [0, 1000, 1001] {
            assert!(Era::begin(before.reserved, s(wall), s(1)).began > latest);
        }
        assert_eq!(Era::begin(before.reserved, s(9000), s(1)).began, s(9000));
    }

    #[test]
    fn reservations_only_grow() {
        let era = Era::begin(Duration::ZERO, s(1000), s(50));
        assert_eq!(era.reservation(s(900)), era.reserved);
        assert_eq!(era.reservation(era.reserved), era.reserved + RESERVE);
    }

    /// As on a board whose kernel has one `boot_id` for all its starts.
    #[test]
    fn a_clock_that_has_been_further_is_of_another_start_of_the_machine() {
        let era = Era::begin(Duration::ZERO, s(1000), s(50));
        assert!(!era.is_over(s(50), s(1000)) && !era.is_over(s(90), s(1040)));
        assert!(era.is_over(s(49), s(0)), "its uptime is smaller");
        assert!(era.is_over(s(60), s(1011)), "something happened later than now");
        let later = Era { reserved: era.reservation(s(5000)), ..era };
        assert!(later.is_over(s(4049), s(0)) && !later.is_over(s(4050), s(0)), "the disk knows of a later time");
    }

    #[test]
    fn a_time_namespace_for_children_is_noticed() {
        let namespace = |number: u32| Some(format!("time:[{number}]").into());
        assert!(are_other_times(namespace(1), namespace(2)));
        assert!(!are_other_times(namespace(1), namespace(1)));
        assert!(!are_other_times(namespace(1), None), "the kernel knows of none");
        assert!(!are_other_times(None, None));
    }

    #[test]
    fn the_offset_of_a_time_namespace_is_read() {
        assert_eq!(shift("monotonic           5         0\nboottime         1000       500\n"), 1_000_000_000_500);
        assert_eq!(shift("monotonic           5         0\nboottime           -2         0\n"), -2_000_000_000);
        assert_eq!((shift(""), shift("boottime x")), (0, 0));
    }
}
