//! Replies of ArangoDB, or of whatever stands in between: an answer, a refusal with a number, or not to be read.

use std::time::Duration;

use serde_json::{Value, json};
use shylock_arango::{RequestError, fuzzing};
use shylock_core::Failure;

use super::json::{exact, value};
use crate::input::{Input, lossy};

type Read = fn(u16, &str) -> Result<Value, RequestError>;

/// The target.
///
/// # Panics
/// What is checked is not right.
pub fn run(data: &[u8]) {
    check(data, fuzzing::answer);
    let lifetime = fuzzing::lifetime(&lossy(data));
    assert!(lifetime.is_none_or(|lifetime| lifetime > Duration::ZERO));
}

fn check(data: &[u8], read: Read) {
    let mut input = Input::new(data);
    let status = input.pick(&[200, 201, 202, 299, 300, 304, 400, 401, 403, 404, 409, 412, 429, 500, 502, 503, 0, 999]);
    let cut = usize::from(input.byte());
    let body = if input.flag() { body(&mut input).to_string() } else { lossy(input.rest()) };
    let object = serde_json::from_str::<Value>(&body).ok().filter(Value::is_object);
    let end = body.trim_end().len();
    if let Some(part) = body.get(..cut).filter(|_| object.is_some() && cut < end) {
        let cut_off = read(status, part);
        assert!(matches!(cut_off, Err(RequestError::Unreadable { .. })), "{part}: {cut_off:?}");
    }
    let told = object.as_ref().and_then(|object| object["error"].as_bool());
    let success = object.is_some() && !told.unwrap_or(!matches!(status, 200..=299));
    match read(status, &body) {
        Ok(answer) => {
            assert!(success, "{status}: {body}");
            assert_eq!(Some(&answer), object.as_ref());
            rows(status, answer);
        }
        Err(error) => {
            assert!(!success, "{status}: {body}: {error}");
            let number = object.as_ref().and_then(|object| exact(&object["errorNum"]));
            refused(status, number, error);
        }
    }
}

fn rows(status: u16, answer: Value) {
    let all = answer["result"].as_array().cloned().filter(|_| answer["hasMore"].as_bool() != Some(true));
    let (rows, known) = (fuzzing::rows(status, answer), all.is_some());
    assert_eq!(rows.as_ref().ok(), all.as_ref());
    assert_eq!(rows.is_err_and(|error| matches!(error, RequestError::Unreadable { .. })), !known);
}

fn refused(status: u16, number: Option<u64>, error: RequestError) {
    match &error {
        RequestError::Refused { status: of, number: with, message } => {
            assert_eq!((*of, Some(*with)), (status, number));
            assert!(message.chars().count() <= 300 && !message.contains(char::is_control), "{message:?}");
        }
        RequestError::Unreadable { status: of, .. } => {
            assert_eq!((*of, number), (status, None));
            assert!(error.to_string().len() < 120, "what is not ArangoDB's is not repeated: {error}");
        }
        other => panic!("{other}"),
    }
    let unreadable = matches!(error, RequestError::Unreadable { .. });
    // Which numbers pass is known from elsewhere; whoever reads has changed nothing.
    let write = data_of(status, number);
    if let Some(again) = write {
        assert_ne!(*fuzzing::meaning(again, false).failure(), Failure::Ambiguous);
    }
    let meaning = fuzzing::meaning(error, true);
    assert!(!unreadable || *meaning.failure() == Failure::Ambiguous, "{meaning}");
    assert!(meaning.retry_after().is_none_or(|pause| pause <= Duration::from_secs(1)));
}

fn data_of(status: u16, number: Option<u64>) -> Option<RequestError> {
    Some(RequestError::Refused { status, number: number?, message: String::new() })
}

/// An answer, in which some fields are something else.
fn body(input: &mut Input<'_>) -> Value {
    let mut body = input.pick(&[
        json!({ "result": [], "hasMore": false, "error": false, "code": 201 }),
        json!({ "result": [{ "owner": "" }], "hasMore": true, "error": false, "code": 201 }),
        json!({ "error": true, "errorNum": 1200, "errorMessage": "conflict", "code": 409 }),
        json!({ "jwt": "e30.eyJpYXQiOjEsImV4cCI6Mn0.x" }),
    ]);
    for _ in 0..input.byte() % 4 {
        let field = input.pick(&["result", "hasMore", "error", "errorNum", "errorMessage", "code"]);
        match value(input) {
            Some(value) => body[field] = value,
            None => drop(body.as_object_mut().expect("it is one").remove(field)),
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{corpus, hunt};

    fn finds(read: Read) {
        hunt(&|data| check(data, read), &corpus("arango_replies"), 1, 20_000).expect_err("it is found");
    }

    #[test]
    fn an_answer_that_is_none_is_found() {
        finds(|status, body| {
            fuzzing::answer(status, body).or_else(|_| Ok(serde_json::from_str(body).unwrap_or_default()))
        });
        finds(|_, body| fuzzing::answer(200, body));
    }

    #[test]
    fn an_answer_that_is_cut_off_and_mended_is_found() {
        finds(|status, body| fuzzing::answer(status, body).or_else(|_| fuzzing::answer(status, &format!("{body}}}"))));
    }

    #[test]
    fn a_message_that_is_passed_on_as_it_is_is_found() {
        finds(|status, body| {
            fuzzing::answer(status, body).map_err(|error| match error {
                RequestError::Refused { status, number, .. } => {
                    let body: Value = serde_json::from_str(body).expect("it was read");
                    let message = body["errorMessage"].as_str().unwrap_or_default().into();
                    RequestError::Refused { status, number, message }
                }
                other => other,
            })
        });
    }
}
