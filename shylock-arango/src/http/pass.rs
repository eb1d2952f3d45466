//! What goes along with each request to show who sends it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose};
use http::HeaderValue;
use serde_json::Value;

use crate::number::double;

/// A value of the header `Authorization`.
#[derive(Clone)]
pub(crate) struct Pass {
    pub(crate) header: HeaderValue,
    /// Each login brings a larger one.
    pub(crate) number: u64,
}

/// `None` if it has characters that no header can have.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    secret(format!("Bearer {token}"))
}

pub(crate) fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    secret(format!("Basic {}", general_purpose::STANDARD.encode(format!("{user}:{password}"))))
}

/// How long a token lives, by the two times in it, both of the server's clock. Nobody checks it here: if it lies, the
/// server says that it has expired.
pub(crate) fn lifetime(token: &str) -> Option<Duration> {
    let payload = token.split('.').nth(1)?;
    let payload = general_purpose::URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let lifetime = double(&claims["exp"])? - double(&claims["iat"])?;
    Duration::try_from_secs_f64(lifetime).ok().filter(|lifetime| !lifetime.is_zero())
}

fn secret(value: String) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(value).ok()?;
    // `Debug` of a header, and the logs of the HTTP libraries, leave it out.
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let header = basic("root", "hidden").expect("a header");
        assert_eq!(header.as_bytes(), b"Basic cm9vdDpoaWRkZW4=");
        assert!(!format!("{header:?}").contains("cm9"), "{header:?}");
        assert!(!format!("{:?}", bearer("hidden")).contains("hidden"));
        assert_eq!(bearer("a\nb"), None);
    }

    #[test]
    fn the_lifetime_of_a_token_is_read() {
        let token = |claims: &str| format!("e30.{}.x", general_purpose::URL_SAFE_NO_PAD.encode(claims));
        let hour = token(r#"{"preferred_username":"root","iss":"arangodb","iat":1795000000,"exp":1795003600}"#);
        assert_eq!(lifetime(&hour), Some(Duration::from_secs(3600)));
        assert_eq!(lifetime(&token(r#"{"iat":1.795e+9,"exp":1795000001.5}"#)), Some(Duration::from_millis(1500)));
        for odd in
            ["{}", r#"{"exp":1}"#, r#"{"iat":2,"exp":1}"#, r#"{"iat":1,"exp":1}"#, r#"{"iat":1,"exp":1e300}"#, "x"]
        {
            assert_eq!(lifetime(&token(odd)), None, "{odd}");
        }
        for odd in ["", "a", "a.b.c", "a.%%%.c"] {
            assert_eq!(lifetime(odd), None, "{odd}");
        }
    }
}
