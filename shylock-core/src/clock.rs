//! The client's clock for deadlines: monotonic, and counting the time that the machine was suspended.

use std::time::Duration;

use tokio::time::Instant;

/// A reading of the client's clock.
///
/// It is read off two clocks, and the one that moved further counts: `CLOCK_BOOTTIME`, because `Instant` stands
/// still while a Linux machine is suspended (rust-lang/rust#87906), and tokio's clock, because tests pause and
/// advance it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    boot: Duration,
    timer: Instant,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { boot: since_boot(), timer: Instant::now() }
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now().since(self)
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        let boot = self.boot.saturating_sub(earlier.boot);
        boot.max(self.timer.saturating_duration_since(earlier.timer))
    }

    /// How much longer than tokio's timers know this moment is ago: the time of a suspension.
    pub(crate) fn slept(self) -> Duration {
        self.elapsed().saturating_sub(self.timer.elapsed())
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    #[cfg(feature = "simulation")]
    if crate::simulation::is_on() {
        return Duration::ZERO;
    }
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(now).unwrap_or_default()
}

/// Elsewhere only tokio's clock is read.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since_boot() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paused timers stand still as those of a suspended machine do; time goes on all the same.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[tokio::test(start_paused = true)]
    async fn time_passes_while_timers_stand_still() {
        let (moment, real) = (Moment::now(), std::time::Instant::now());
        while real.elapsed() < Duration::from_millis(30) {
            std::hint::spin_loop();
        }
        assert!(moment.timer.elapsed().is_zero(), "the timers stand still");
        assert!(moment.elapsed() >= Duration::from_millis(30));
        assert!(moment.slept() >= Duration::from_millis(30));
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_a_test_skips_counts() {
        let moment = Moment::now();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(moment.elapsed() >= Duration::from_secs(3600));
        assert!(moment.slept() < Duration::from_secs(3600));
    }
}
