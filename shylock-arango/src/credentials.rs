//! [`Credentials`]: how a client shows who it is.

use std::fmt;

/// How a client shows who it is. `Debug` shows no part of it.
#[derive(Clone)]
pub struct Credentials(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Nothing,
    Login { user: String, password: String },
    Basic { user: String, password: String },
    Bearer(String),
}

impl Credentials {
    /// A user and a password, changed for a JSON web token (`POST /_open/auth`) that is renewed before it expires, and
    /// whenever the server says that it has. Where the server knows no login, they go along with each request.
    pub fn password(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self(Kind::Login { user: user.into(), password: password.into() })
    }

    /// A user and a password (or an access token in its place) that go along with each request.
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self(Kind::Basic { user: user.into(), password: password.into() })
    }

    /// A JSON web token of your own. Nobody renews it.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self(Kind::Bearer(token.into()))
    }

    /// None, for a server that asks nobody.
    #[must_use]
    pub const fn none() -> Self {
        Self(Kind::Nothing)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Nothing => "Credentials(none)",
            Kind::Login { .. } => "Credentials(password)",
            Kind::Basic { .. } => "Credentials(basic)",
            Kind::Bearer(_) => "Credentials(bearer)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown() {
        for credentials in [
            Credentials::password("canaryinthemine-user", "canaryinthemine-pw"),
            Credentials::basic("canaryinthemine-user", "canaryinthemine-pw"),
            Credentials::bearer("canaryinthemine-token"),
            Credentials::none(),
        ] {
            let shown = format!("{credentials:?} {credentials:#?}");
            assert!(!shown.contains("canaryinthemine"), "{shown}");
        }
    }
}
