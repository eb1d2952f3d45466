//! Measured quantities, each with its unit.

use std::{fmt, time::Duration};

/// A number that can be compared with its like, and printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Quantity {
    Time(Duration),
    /// Of something in a second.
    PerSecond(f64),
    /// Of bytes, in units of 1024.
    Kibibytes(f64),
    /// Of bytes, in units of a million.
    Megabytes(f64),
    Number(f64),
}

impl Quantity {
    /// The bare number, in the unit in which goals are given: times in seconds.
    pub(crate) const fn number(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::PerSecond(number) | Self::Kibibytes(number) | Self::Megabytes(number) | Self::Number(number) => {
                number
            }
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Time(time) => show_time(time, f),
            Self::PerSecond(number) if number >= 100.0 => write!(f, "{number:.0}/s"),
            Self::PerSecond(number) => write!(f, "{number:.2}/s"),
            Self::Kibibytes(number) => write!(f, "{number:.2} KiB"),
            Self::Megabytes(number) => write!(f, "{number:.0} MB"),
            Self::Number(number) if number.fract() == 0.0 => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number:.2}"),
        }
    }
}

fn show_time(time: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let seconds = time.as_secs_f64();
    match seconds {
        ..1e-5 => write!(f, "{:.2} µs", seconds * 1e6),
        ..1e-3 => write!(f, "{:.0} µs", seconds * 1e6),
        ..1.0 => write!(f, "{:.2} ms", seconds * 1e3),
        _ => write!(f, "{seconds:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_fits() {
        let shown = |nanos| Quantity::Time(Duration::from_nanos(nanos)).to_string();
        assert_eq!(shown(1_234), "1.23 µs");
        assert_eq!(shown(812_400), "812 µs");
        assert_eq!(shown(3_456_000), "3.46 ms");
        assert_eq!(shown(2_500_000_000), "2.50 s");
    }

    #[test]
    fn other_numbers_have_theirs() {
        assert_eq!(Quantity::PerSecond(1234.5).to_string(), "1234/s");
        assert_eq!(Quantity::PerSecond(1.5).to_string(), "1.50/s");
        assert_eq!(Quantity::Kibibytes(1.256).to_string(), "1.26 KiB");
        assert_eq!(Quantity::Number(0.0).to_string(), "0");
    }
}
