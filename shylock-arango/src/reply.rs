//! An answer, told apart from what only looks like one.

use serde_json::Value;

use crate::error::RequestError;

/// A request, without the server and the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: http::Method,
    /// From its first `/`, with its query string.
    pub(crate) path: String,
    pub(crate) body: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// The longest message of a server that is passed on.
const MESSAGE: usize = 300;

impl Reply {
    /// The answer.
    pub(crate) fn read(&self) -> Result<Value, RequestError> {
        let unreadable = |what| RequestError::Unreadable { status: self.status, what };
        // Nothing of a body that is not ArangoDB's is repeated: nobody knows what is in it.
        if self.body.trim().is_empty() {
            return Err(unreadable("an empty body"));
        }
        let Ok(answer) = serde_json::from_str::<Value>(&self.body) else {
            return Err(unreadable("a body that is no JSON or is cut off"));
        };
        if !answer.is_object() {
            return Err(unreadable("JSON that is no object"));
        }
        let refused = answer["error"].as_bool().unwrap_or(!(200..300).contains(&self.status));
        if !refused {
            return Ok(answer);
        }
        let Some(number) = crate::number::whole(&answer["errorNum"]) else {
            return Err(unreadable("JSON without an error number"));
        };
        let message = answer["errorMessage"].as_str().unwrap_or("no message");
        let message = message.chars().take(MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect();
        Err(RequestError::Refused { status: self.status, number, message })
    }

    /// Whether the server takes the login for expired.
    pub(crate) fn is_unauthorized(&self) -> bool {
        self.status == 401 && matches!(self.read(), Err(error) if error.is(11))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Value, RequestError> {
        Reply { status, body: body.into() }.read()
    }

    #[test]
    fn an_answer_is_a_json_object_that_tells_of_no_error() {
        let answer = read(201, r#"{"result":[1],"hasMore":false,"error":false,"code":201}"#).expect("an answer");
        assert_eq!(answer["result"][0], 1);
        // The login answers without `error`.
        assert!(read(200, r#"{"jwt":"a.b.c"}"#).is_ok());
    }

    #[test]
    fn a_refusal_has_a_number() {
        let error = read(409, r#"{"code":409,"error":true,"errorMessage":"conflict","errorNum":1200}"#);
        assert!(error.is_err_and(|error| error.is(1200)));
        // All integers as doubles.
        let error = read(409, r#"{"code":4.09e2,"error":true,"errorMessage":"conflict","errorNum":1200.0}"#);
        assert!(error.is_err_and(|error| error.is(1200)));
        // An error beside a status of success counts, and so does a status without `error`.
        assert!(read(200, r#"{"error":true,"errorNum":1200}"#).is_err_and(|error| error.is(1200)));
        assert!(read(401, r#"{"errorNum":11}"#).is_err_and(|error| error.is(11)));
    }

    #[test]
    fn everything_else_is_unreadable() {
        let bodies = [
            "",
            " \n",
            "<html><body>502 Bad Gateway</body></html>",
            r#"{"result":[{"owner":"#,
            "[]",
            "null",
            "\"x\"",
            "1e999",
            r#"{"error":true}"#,
            r#"{"error":true,"errorNum":"11"}"#,
            r#"{"error":true,"errorNum":-1}"#,
        ];
        for body in bodies.into_iter().chain([&*"[".repeat(100_000)]) {
            for status in [200, 201, 404, 502, 503] {
                let error = read(status, body).expect_err("no answer");
                assert!(matches!(error, RequestError::Unreadable { status: s, .. } if s == status), "{error:?}");
                assert!(!error.to_string().contains("Gateway"), "{error}");
            }
        }
        // No error in the body, but in the status.
        assert!(matches!(read(500, "{}"), Err(RequestError::Unreadable { status: 500, .. })));
    }

    #[test]
    fn long_messages_are_shortened_and_harmless() {
        let body = format!(r#"{{"error":true,"errorNum":4,"errorMessage":"{}\u001b[31m"}}"#, "é".repeat(290));
        let Err(RequestError::Refused { message, .. }) = read(500, &body) else { panic!("a refusal") };
        assert!(message.chars().count() <= MESSAGE && !message.contains('\u{1b}'));
    }

    #[test]
    fn an_expired_login_is_recognised() {
        let reply = |status, number| Reply { status, body: format!(r#"{{"error":true,"errorNum":{number}}}"#) };
        assert!(reply(401, 11).is_unauthorized());
        assert!(!reply(403, 11).is_unauthorized());
        assert!(!reply(401, 401).is_unauthorized());
        assert!(!Reply { status: 401, body: "<html>".into() }.is_unauthorized());
    }
}
