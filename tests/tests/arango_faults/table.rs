//! What each fault came to, to look at, and to fail with.

use std::{collections::BTreeMap, fmt::Write};

use super::operations::{Kind, Operation};

/// Rows by what they came to.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<(String, [String; 5])>,
    failures: Vec<String>,
}

/// What one operation said, and whether it was carried out.
pub(crate) struct Cell {
    pub(crate) said: Kind,
    pub(crate) applied: bool,
    /// What is wrong with it.
    pub(crate) failure: Option<String>,
}

impl Table {
    pub(crate) fn add(&mut self, name: &str, cells: Vec<Cell>) {
        let mut texts = [const { String::new() }; 5];
        for ((cell, text), operation) in cells.into_iter().zip(&mut texts).zip(Operation::ALL) {
            *text = format!("{}{}", cell.said, if cell.applied { " *" } else { "" });
            self.failures.extend(cell.failure.map(|failure| format!("{name}, {operation:?}: {failure}")));
        }
        self.rows.push((name.to_owned(), texts));
    }

    /// Prints it. Rows that differ only in what follows a colon are one.
    ///
    /// # Panics
    ///
    /// A cell is not as it has to be.
    pub(crate) fn finish(self, title: &str) {
        let mut merged: BTreeMap<(&str, &[String; 5]), Vec<&str>> = BTreeMap::new();
        for (name, cells) in &self.rows {
            let (group, member) = name.split_once(": ").unwrap_or((name, ""));
            merged.entry((group, cells)).or_default().push(member);
        }
        let mut text = format!("\n{title} (* carried out)\n{}\n", line(Operation::ALL.map(|o| format!("{o:?}"))));
        for ((group, cells), members) in merged {
            let _ = writeln!(text, "{}  {group} {}", line(cells.clone()), members.join(" "));
        }
        println!("{text}");
        assert!(self.failures.is_empty(), "{} cells fail:\n{}", self.failures.len(), self.failures.join("\n"));
    }
}

fn line(cells: [String; 5]) -> String {
    cells.map(|cell| format!("{cell:<13}")).concat()
}
