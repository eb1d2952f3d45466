//! Who may do what.

mod credentials;
mod jwt;
mod rights;

pub(crate) use credentials::{Sessions, check_password};
pub(crate) use rights::{Caller, User};
pub use rights::{Level, Rights};
