//! A row of the table: what was measured, its limit, and whether that is what was wanted.

use std::{fmt, time::Duration};

use crate::quantity::Quantity;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// Of the ratio to the limit.
    AtMost(f64),
    /// Of the ratio to the limit.
    AtLeast(f64),
    /// Of the value itself, where there is no limit.
    Within(Quantity),
    /// For information.
    None,
}

/// What was found.
#[derive(Debug, Clone)]
pub(crate) enum Finding {
    Measured {
        value: Quantity,
        /// What cannot be beaten, or what is to be beaten, and how `value` stands to it.
        limit: Option<(Quantity, f64)>,
    },
    /// Why there is no number. It never counts as met.
    NotMeasured(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) finding: Finding,
    pub(crate) goal: Goal,
    /// What it was measured against, and what else was seen.
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    NotMeasured,
    /// There was no goal.
    None,
}

impl Row {
    /// A value without a limit.
    pub(crate) fn value(name: impl Into<String>, value: Quantity, goal: Goal) -> Self {
        Self { name: name.into(), finding: Finding::Measured { value, limit: None }, goal, text: String::new() }
    }

    /// A value beside its limit: the ratio is the one by the other.
    pub(crate) fn beside(name: impl Into<String>, value: Quantity, limit: Quantity, goal: Goal) -> Self {
        Self::with_ratio(name, value, limit, value.number() / limit.number(), goal)
    }

    /// A value that shall be so many times better, that is smaller, than another.
    pub(crate) fn better(name: impl Into<String>, value: Duration, than: Duration, times: f64) -> Self {
        let ratio = than.as_secs_f64() / value.as_secs_f64();
        Self::with_ratio(name, Quantity::Time(value), Quantity::Time(than), ratio, Goal::AtLeast(times))
    }

    pub(crate) fn not_measured(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), finding: Finding::NotMeasured(why.into()), goal: Goal::None, text: String::new() }
    }

    pub(crate) fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    fn with_ratio(name: impl Into<String>, value: Quantity, limit: Quantity, ratio: f64, goal: Goal) -> Self {
        let finding = Finding::Measured { value, limit: Some((limit, ratio)) };
        Self { name: name.into(), finding, goal, text: String::new() }
    }

    /// What is judged: the ratio to the limit, or the value where there is none.
    pub(crate) fn number(&self) -> Option<f64> {
        match &self.finding {
            Finding::Measured { limit: Some((_, ratio)), .. } => Some(*ratio),
            Finding::Measured { value, limit: None } => Some(value.number()),
            Finding::NotMeasured(_) => None,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let Some(judged) = self.number() else { return Verdict::NotMeasured };
        match self.goal {
            Goal::AtMost(goal) if judged <= goal => Verdict::Met,
            Goal::AtLeast(goal) if judged >= goal => Verdict::Met,
            Goal::Within(goal) if judged <= goal.number() => Verdict::Met,
            Goal::None => Verdict::None,
            _ => Verdict::Missed,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(goal) => write!(f, "≤ {goal}"),
            Self::AtLeast(goal) => write!(f, "≥ {goal}"),
            Self::Within(goal) => write!(f, "≤ {goal}"),
            Self::None => write!(f, "–"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Quantity {
        Quantity::Time(Duration::from_millis(ms))
    }

    #[test]
    fn a_limit_is_judged_by_the_ratio() {
        let row = |value, goal| Row::beside("", ms(value), ms(100), goal).verdict();
        assert_eq!(row(109, Goal::AtMost(1.1)), Verdict::Met);
        assert_eq!(row(111, Goal::AtMost(1.1)), Verdict::Missed);
        assert_eq!(row(91, Goal::AtLeast(0.9)), Verdict::Met);
        assert_eq!(row(89, Goal::AtLeast(0.9)), Verdict::Missed);
        assert_eq!(row(500, Goal::None), Verdict::None);
    }

    #[test]
    fn a_value_alone_is_judged_by_itself() {
        let row =
            |number| Row::value("", Quantity::PerSecond(number), Goal::Within(Quantity::PerSecond(2.0))).verdict();
        assert_eq!((row(1.9), row(2.1)), (Verdict::Met, Verdict::Missed));
    }

    #[test]
    fn better_means_smaller() {
        let ten = Duration::from_millis(10);
        assert_eq!(Row::better("", ten, ten * 8, 8.0).verdict(), Verdict::Met);
        assert_eq!(Row::better("", ten, ten * 7, 8.0).verdict(), Verdict::Missed);
    }

    #[test]
    fn what_is_no_number_is_never_met() {
        assert_eq!(
            Row::value("", Quantity::Number(f64::NAN), Goal::Within(Quantity::Number(1.0))).verdict(),
            Verdict::Missed
        );
        assert_eq!(Row::not_measured("", "no server").verdict(), Verdict::NotMeasured);
    }
}
