//! The tables of `OBSERVABILITY.md`, to compare them with what is told.

/// The cells of each row below this heading, without their backticks.
pub(crate) fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = include_str!("../../OBSERVABILITY.md");
    let (_, section) = text.split_once(&format!("# {heading}\n")).expect("the heading");
    let lines = section.split("\n# ").next().expect("its text").lines();
    let rows: Vec<Vec<String>> = lines.filter_map(|line| line.strip_prefix("| `")).map(cells).collect();
    assert!(!rows.is_empty(), "{heading}");
    rows
}

fn cells(line: &str) -> Vec<String> {
    line.split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect()
}
