//! [`MongoError`]: why a request failed, in plain words.

use std::fmt;

use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};

use crate::plain;

/// Why the server, or the driver, did not carry out a request: the [`source`](std::error::Error::source) of an
/// [`Error::Backend`](shylock_core::Error::Backend) of this store.
///
/// It prints one line: the server's code, its name and the message, or what the driver found. The driver's own error,
/// which prints whole replies as hexadecimal digits, is at [`driver`](Self::driver).
///
/// # Examples
/// ```
/// # use shylock_mongo::{Error, MongoError};
/// fn is_failed_write_concern(error: &Error) -> bool {
///     let Error::Backend { source, .. } = error else { return false };
///     source.downcast_ref::<MongoError>().and_then(MongoError::code) == Some(64)
/// }
/// ```
pub struct MongoError {
    text: String,
    code: Option<i32>,
    driver: Option<Box<DriverError>>,
}

impl MongoError {
    /// Returns the code of the server's error, such as 13 for a missing right.
    #[must_use]
    pub const fn code(&self) -> Option<i32> {
        self.code
    }

    /// Returns whether the server or the driver gave the error this label, such as
    /// [`TRANSIENT_TRANSACTION_ERROR`](mongodb::error::TRANSIENT_TRANSACTION_ERROR).
    pub fn contains_label(&self, label: impl AsRef<str>) -> bool {
        self.driver().is_some_and(|error| error.contains_label(label))
    }

    /// Returns the driver's error, if there was one. Its texts can be long, and contain parts of commands and replies.
    #[must_use]
    pub fn driver(&self) -> Option<&DriverError> {
        self.driver.as_deref()
    }

    /// An error that no driver has reported.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: None, driver: None }
    }

    /// An error that stands in a reply.
    pub(crate) fn of_server(code: Option<i32>, name: &str, message: &str) -> Self {
        Self { text: plain::named(code, name, message), code, driver: None }
    }

    /// The same under another text, which says what it means here.
    pub(crate) fn explained(self, explanation: &str) -> Self {
        Self { text: format!("{explanation} ({})", self.text), ..self }
    }

    /// The driver's error as it was, or one of the kind for errors of users.
    pub(crate) fn into_driver(self) -> DriverError {
        match self.driver {
            Some(driver) => *driver,
            None => DriverError::custom(self.text),
        }
    }
}

impl From<DriverError> for MongoError {
    fn from(error: DriverError) -> Self {
        Self { text: plain::text(&error), code: code(&error), driver: Some(Box::new(error)) }
    }
}

/// The code of the server's error. A failed authentication has it in its source.
fn code(error: &DriverError) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(refused) => Some(refused.code),
        ErrorKind::Write(WriteFailure::WriteError(refused)) => Some(refused.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(missed)) => Some(missed.code),
        _ => cause(error).and_then(code),
    }
}

fn cause(error: &DriverError) -> Option<&DriverError> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<Box<DriverError>>().map(|boxed| &**boxed).or_else(|| source.downcast_ref())
}

impl fmt::Display for MongoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for MongoError {
    /// Without the driver's error: programs that end with an error print it so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MongoError").field(&self.text).finish()
    }
}

impl std::error::Error for MongoError {}
