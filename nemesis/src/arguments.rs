//! The words on the command line.

use std::{collections::HashMap, str::FromStr};

use crate::Result;

/// A command, and its options: each `--name` with a value, or without where another option follows.
#[derive(Debug)]
pub struct Arguments {
    command: String,
    options: HashMap<String, String>,
}

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    /// There is a word that belongs to no option.
    pub fn parse(words: &[String]) -> Result<Self> {
        let (command, rest) = words.split_first().ok_or("which command? see the head of src/bin/nemesis.rs")?;
        let mut options = HashMap::new();
        let mut rest = rest.iter().peekable();
        while let Some(word) = rest.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("{word:?} belongs to no option"))?;
            let value = rest.next_if(|next| !next.starts_with("--")).cloned().unwrap_or_default();
            options.insert(name.to_owned(), value);
        }
        Ok(Self { command: command.clone(), options })
    }

    /// The first word.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Whether the option is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.options.contains_key(name)
    }

    /// The option's value, if it is there.
    ///
    /// # Errors
    /// It is no such value.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.options.get(name) else { return Ok(None) };
        value.parse().map(Some).map_err(|_| format!("--{name} {value:?} is not understood").into())
    }

    /// The option's value.
    ///
    /// # Errors
    /// It is not there, or no such value.
    pub fn need<T: FromStr>(&self, name: &str) -> Result<T> {
        self.get(name)?.ok_or_else(|| format!("--{name} is missing").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_values_or_stand_alone() {
        let words = ["run", "--seed", "7", "--lossy", "--minutes", "x"].map(str::to_owned);
        let arguments = Arguments::parse(&words).expect("options");
        assert_eq!(arguments.command(), "run");
        assert_eq!(arguments.need::<u64>("seed").expect("a number"), 7);
        assert!(arguments.has("lossy") && !arguments.has("folder"));
        assert!(arguments.get::<u64>("minutes").is_err() && arguments.need::<u64>("folder").is_err());
        assert!(Arguments::parse(&["run", "7"].map(str::to_owned)).is_err());
    }
}
