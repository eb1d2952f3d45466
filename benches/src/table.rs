//! The table in the form of GitHub's Markdown, and its summary.

use crate::row::{Finding, Row, Verdict};

const HEAD: &str = "| row | measured | limit | ratio | goal | | how |\n|---|---:|---:|---:|---:|---|---|";

/// The whole table.
pub(crate) fn table(rows: &[Row]) -> String {
    let lines: Vec<String> = rows.iter().map(line).collect();
    format!("{HEAD}\n{}", lines.join("\n"))
}

/// One row of it.
pub(crate) fn line(row: &Row) -> String {
    let Row { name, goal, text, .. } = row;
    let verdict = match row.verdict() {
        Verdict::Met => "ok",
        Verdict::Missed => "MISSED",
        Verdict::NotMeasured | Verdict::None => "–",
    };
    let text = text.replace('|', "\\|");
    match &row.finding {
        Finding::Measured { value, limit: Some((limit, ratio)) } => {
            // Ratios near one are close calls.
            let digits = if *ratio < 2.0 { 3 } else { 2 };
            format!("| {name} | {value} | {limit} | {ratio:.digits$} | {goal} | {verdict} | {text} |")
        }
        Finding::Measured { value, limit: None } => {
            format!("| {name} | {value} | – | – | {goal} | {verdict} | {text} |")
        }
        Finding::NotMeasured(why) => {
            let why = why.replace('|', "\\|").replace('\n', " ");
            format!("| {name} | not measured: {why} | – | – | – | – | {text} |")
        }
    }
}

/// How many goals were met.
pub(crate) fn summary(rows: &[Row]) -> String {
    let count = |verdict| rows.iter().filter(|row| row.verdict() == verdict).count();
    let (met, missed, unmeasured) = (count(Verdict::Met), count(Verdict::Missed), count(Verdict::NotMeasured));
    let of = format!("{met} of {} goals met", met + missed + unmeasured);
    if unmeasured == 0 { of } else { format!("{of}, {unmeasured} not measured") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{quantity::Quantity, row::Goal};

    fn rows() -> Vec<Row> {
        let ms = |ms| Quantity::Time(Duration::from_millis(ms));
        vec![
            Row::beside("a", ms(3), ms(2), Goal::AtMost(1.6)).saying("by 1|2"),
            Row::value("b", Quantity::PerSecond(3.0), Goal::Within(Quantity::PerSecond(2.0))),
            Row::not_measured("c", "there is\nno server"),
            Row::value("d", ms(1), Goal::None),
        ]
    }

    #[test]
    fn every_row_has_all_columns() {
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        assert!(table(&rows()).lines().all(|line| columns(line) == columns(HEAD.lines().next().unwrap_or_default())));
        assert_eq!(line(&rows()[0]), "| a | 3.00 ms | 2.00 ms | 1.500 | ≤ 1.6 | ok | by 1\\|2 |");
        assert_eq!(line(&rows()[2]), "| c | not measured: there is no server | – | – | – | – |  |");
    }

    #[test]
    fn only_rows_with_goals_count() {
        assert_eq!(summary(&rows()), "1 of 3 goals met, 1 not measured");
        assert_eq!(summary(&rows()[..2]), "1 of 2 goals met");
    }
}
