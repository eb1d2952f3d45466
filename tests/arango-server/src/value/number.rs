//! Arithmetic on AQL numbers: integers where they stay exact, doubles elsewhere.

use super::Value;

/// What arithmetic takes a value for.
pub(crate) fn to_number(value: &Value) -> Value {
    match value {
        Value::Int(_) | Value::Double(_) => value.clone(),
        Value::Bool(value) => Value::Int(i64::from(*value)),
        Value::String(text) => parse(text.trim()).unwrap_or(Value::Int(0)),
        Value::Array(items) if items.len() == 1 => to_number(&items[0]),
        Value::Null | Value::Array(_) | Value::Object(_) => Value::Int(0),
    }
}

pub(crate) fn to_f64(value: &Value) -> f64 {
    match to_number(value) {
        Value::Int(number) => from_integer(number),
        Value::Double(number) => number,
        _ => 0.0,
    }
}

/// The integer part, held within the bounds of the type.
pub(crate) fn to_i64(value: &Value) -> i64 {
    match to_number(value) {
        Value::Int(number) => number,
        Value::Double(number) => to_integer(number),
        _ => 0,
    }
}

/// An integer or a double, as the text says.
pub(crate) fn parse(text: &str) -> Option<Value> {
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')) {
        return None;
    }
    let integer = text.parse().ok().map(Value::Int);
    integer.or_else(|| text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double))
}

pub(crate) fn add(left: &Value, right: &Value) -> Value {
    arithmetic(left, right, i64::checked_add, |left, right| left + right)
}

pub(crate) fn subtract(left: &Value, right: &Value) -> Value {
    arithmetic(left, right, i64::checked_sub, |left, right| left - right)
}

pub(crate) fn multiply(left: &Value, right: &Value) -> Value {
    arithmetic(left, right, i64::checked_mul, |left, right| left * right)
}

/// Always a double; nothing where the divisor is zero.
pub(crate) fn divide(left: &Value, right: &Value) -> Option<Value> {
    let divisor = to_f64(right);
    (divisor != 0.0).then(|| Value::double(to_f64(left) / divisor))
}

/// Nothing where the divisor is zero.
pub(crate) fn remainder(left: &Value, right: &Value) -> Option<Value> {
    let divisor = to_f64(right);
    (divisor != 0.0).then(|| arithmetic(left, right, i64::checked_rem, |left, right| left % right))
}

pub(crate) fn negate(value: &Value) -> Value {
    subtract(&Value::Int(0), value)
}

#[expect(clippy::cast_precision_loss, reason = "that is what AQL does with large integers")]
pub(crate) fn from_integer(number: i64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, reason = "the integer part is wanted; the cast saturates")]
fn to_integer(number: f64) -> i64 {
    number as i64
}

fn arithmetic(left: &Value, right: &Value, exact: fn(i64, i64) -> Option<i64>, rounded: fn(f64, f64) -> f64) -> Value {
    let (left, right) = (to_number(left), to_number(right));
    if let (Value::Int(left), Value::Int(right)) = (&left, &right)
        && let Some(result) = exact(*left, *right)
    {
        return Value::Int(result);
    }
    Value::double(rounded(to_f64(&left), to_f64(&right)))
}
