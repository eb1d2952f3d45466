//! JSON values that a record or a reply could have where another is meant.

use serde_json::{Number, Value, json};

use crate::input::Input;

/// Numbers around all bounds.
const NUMBERS: [i64; 12] =
    [0, 1, -1, -5, 7, 1 << 53, (1 << 53) - 1, (1 << 53) - 2, 1_795_000_000, 90_000, 4_294_967_296, i64::MAX];

/// Texts that are almost something.
const TEXTS: [&str; 12] = [
    "",
    "a lock",
    "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
    "A1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
    "+1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
    "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a",
    "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a",
    "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2",
    "1",
    "\u{1b}[31m",
    "\u{202e}",
    "é",
];

/// A value, or none.
pub(super) fn value(input: &mut Input<'_>) -> Option<Value> {
    Some(match input.byte() % 14 {
        0 => return None,
        1 => Value::Null,
        2 => input.flag().into(),
        3 | 4 => input.pick(&NUMBERS).into(),
        5 => input.number().into(),
        6 => u64::from_le_bytes(input.array()).into(),
        7 => double(f64::from_le_bytes(input.array())),
        // A whole number in a double's clothes.
        8 => double(f64::from(u32::from_le_bytes(input.array())) * f64::from(u16::from_le_bytes(input.array()))),
        9 => double(input.pick(&[0.0, -0.0, 0.5, 1e300, 9_007_199_254_740_991.0, 9_007_199_254_740_992.0, 5e-324])),
        10 => input.text().into(),
        11 | 12 => input.pick(&TEXTS).into(),
        _ => input.pick(&[json!([]), json!({}), json!([1]), json!({ "owner": "" })]),
    })
}

fn double(double: f64) -> Value {
    Number::from_f64(double).map_or(Value::Null, Value::Number)
}

/// The number as a double, if it is a whole one that a double can be told apart from its neighbours.
pub(super) fn exact(value: &Value) -> Option<u64> {
    let number = match (value.as_u64(), value.as_f64()) {
        (Some(number), _) => number,
        // Bisection: slow, and without a conversion to be wrong in.
        (None, Some(double)) => {
            let (mut low, mut high) = (0_u64, 1 << 54);
            while low < high {
                let middle = low.midpoint(high);
                if as_double(middle) < double { low = middle + 1 } else { high = middle }
            }
            (as_double(low).total_cmp(&double.abs()).is_eq() && double >= 0.0).then_some(low)?
        }
        (None, None) => return None,
    };
    (number < 1 << 53).then_some(number)
}

/// Exact below 2^53.
fn as_double(number: u64) -> f64 {
    let half = |shift: u32| u32::try_from((number >> shift) & 0xffff_ffff).unwrap_or_default();
    f64::from(half(32)) * 4_294_967_296.0 + f64::from(half(0))
}
