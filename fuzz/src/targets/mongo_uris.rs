//! Addresses of MongoDB: nothing panics, and no error repeats what may be a password.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use shylock_core::Result;

use super::secret::{BETWEEN, PARTS, assert_kept, told};
use crate::input::{Input, lossy};

/// The target.
///
/// # Panics
/// What is checked is not right.
pub fn run(data: &[u8]) {
    check(data, |address| {
        // An address without a look-up of names takes no waiting.
        let mut parsing = pin!(shylock_mongo::fuzzing::uri(address));
        match parsing.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(parsed) => parsed,
            Poll::Pending => panic!("an address was looked up"),
        }
    });
}

fn check(data: &[u8], parse: impl Fn(&str) -> Result<()>) {
    let address = address(data);
    match parse(&address) {
        Ok(()) => assert!(address.starts_with("mongodb://"), "{address:?}"),
        Err(error) => assert_kept(&told(&error)),
    }
}

/// An address with a secret in it: of parts, or any text.
pub(super) fn address(data: &[u8]) -> String {
    let mut input = Input::new(data);
    let kind = input.byte() % 3;
    let secret = PARTS.join(input.pick(&BETWEEN));
    if kind == 0 {
        let at = usize::from(input.byte());
        let mut text = lossy(input.rest());
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.insert_str(at, &secret);
        return text;
    }
    let scheme = input.pick(&["mongodb", "http", "https", "mongodb+srv", "tcp", "Mongodb", ""]);
    let user = input.pick(&["root", "", "a:b", "%", "a%40b"]).to_owned() + &input.text();
    let host = input.pick(&["localhost", "localhost:27017", "[::1]", "", "a,b:1", ":1", "h:99999", "a b"]).to_owned();
    let host = host + &input.text();
    let tail =
        input.pick(&["", "/", "/db", "/?", "/db?authSource=x", "/?w=", "?tls=", "/?authMechanism=", "/?ssl=true&"]);
    let rest = input.text();
    if kind == 1 {
        format!("{scheme}://{user}:{secret}@{host}{tail}{rest}")
    } else {
        format!("{scheme}://{user}@{host}{tail}{rest}{secret}")
    }
}

#[cfg(test)]
mod tests {
    use shylock_core::Error;

    use super::*;
    use crate::harness::{corpus, hunt};

    #[test]
    fn an_error_that_quotes_is_found() {
        let quoting = |address: &str| {
            let reason = format!("what is {:?}?", address.rsplit('@').next());
            Err(Error::InvalidOption { option: "uri", reason })
        };
        hunt(&|data| check(data, quoting), &corpus("mongo_uris"), 1, 20_000).expect_err("it is found");
    }
}
