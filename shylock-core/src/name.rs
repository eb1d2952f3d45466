//! [`LockName`]: a checked name.

use std::{fmt, str::FromStr, sync::Arc};

/// The name of a lock: 1 to 512 bytes of UTF-8 without control characters.
///
/// Two names are the same lock if and only if their bytes are the same: nothing is normalised, folded or trimmed.
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockName(Arc<str>);

impl LockName {
    /// The longest name, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 512;

    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidName`] says what is wrong with it.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidName> {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(InvalidName::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(InvalidName::TooLong { bytes: name.len() });
        }
        match name.char_indices().find(|(_, c)| c.is_control()) {
            Some((position, _)) => Err(InvalidName::ControlCharacter { position }),
            None => Ok(Self(Arc::from(name))),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a [`LockName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// The text has no characters.
    #[error("it is empty")]
    Empty,
    /// The text has more than [`LockName::MAX_BYTES`] bytes.
    #[error("it has {bytes} bytes, {} are allowed", LockName::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The text has a control character (Unicode category Cc).
    #[error("it has a control character at byte {position}")]
    ControlCharacter {
        /// The byte at which that character starts.
        position: usize,
    },
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for LockName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for LockName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_text() {
        let name: LockName = "Rechnung 42".parse().expect("a name");
        assert_eq!((name.as_str(), name.as_ref()), ("Rechnung 42", "Rechnung 42"));
        assert_eq!((name.to_string(), format!("{name:?}")), ("Rechnung 42".into(), "\"Rechnung 42\"".into()));
    }
}
