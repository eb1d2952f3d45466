//! What measuring comes to: a value, or why there is none.

use std::{error::Error, iter::successors};

/// A failure ends one row, not the run: it is printed in the row's place.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A failure with its causes, in one line.
pub(crate) fn explained(error: &(dyn Error + 'static)) -> String {
    let causes = successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    let texts: Vec<String> = causes.map(|error| error.to_string().replace('\n', " ")).collect();
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use shylock_core::{BackendError, Error};

    #[test]
    fn causes_are_told() {
        let error = Error::from(BackendError::permanent("no\nroom"));
        assert_eq!(super::explained(&error), format!("{error}: no room"));
    }
}
