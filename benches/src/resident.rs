//! How much memory this process has in use.

use std::fs;

use crate::outcome::Outcome;

/// The resident memory of this process in KiB.
pub(crate) fn kibibytes() -> Outcome<u32> {
    let status = fs::read_to_string("/proc/self/status")?;
    resident(&status).ok_or_else(|| "/proc/self/status has no VmRSS".into())
}

fn resident(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_line_is_found() {
        assert_eq!(super::resident("Name:\tx\nVmRSS:\t   12345 kB\nThreads:\t1\n"), Some(12345));
        assert_eq!(super::resident("Name:\tx\n"), None);
    }
}
