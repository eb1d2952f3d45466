//! What measuring comes to: a value, or why there is none.

use std::error::Error;

/// A failure ends one row, not the run: it is printed in the row's place.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
