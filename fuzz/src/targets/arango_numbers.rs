//! Numbers in replies of ArangoDB, which come as integers or as doubles.

use serde_json::Value;

use super::json::{exact, value};
use crate::input::Input;

/// The target.
pub fn run(data: &[u8]) {
    check(data, shylock_arango::fuzzing::whole);
}

fn check(data: &[u8], whole: impl Fn(&Value) -> Option<u64>) {
    let mut input = Input::new(data);
    let number = match input.byte() % 4 {
        0 => value(&mut input),
        // One of the many spellings of a number.
        1 => {
            let (digits, exponent) = (input.number().unsigned_abs() >> input.pick(&[0, 10, 40]), input.byte() % 20);
            let text = match input.byte() % 4 {
                0 => format!("{digits}.0"),
                1 => format!("{digits}e{exponent}"),
                2 => format!("{}.{}e{exponent}", digits % 10, digits / 10),
                _ => format!("{digits}{}e-{exponent}", "0".repeat(usize::from(exponent))),
            };
            serde_json::from_str(&text).ok()
        }
        _ => serde_json::from_slice(input.rest()).ok(),
    };
    let Some(number) = number else { return };
    assert_eq!(whole(&number), exact(&number), "{number}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{corpus, hunt};

    fn finds(whole: fn(&Value) -> Option<u64>) {
        hunt(&|data| check(data, whole), &corpus("arango_numbers"), 1, 20_000).expect_err("it is found");
    }

    #[test]
    fn careless_readers_are_found() {
        finds(Value::as_u64);
        finds(|value| shylock_arango::fuzzing::whole(value).filter(|number| *number > 0));
        finds(|value| {
            shylock_arango::fuzzing::whole(value).or_else(|| value.as_u64().filter(|number| *number <= 1 << 53))
        });
        finds(|value| {
            let rounded =
                || value.as_f64().filter(|double| *double >= 0.0).and_then(|d| format!("{d:.0}").parse().ok());
            value.as_u64().or_else(rounded).filter(|number| *number < 1 << 53)
        });
    }
}
