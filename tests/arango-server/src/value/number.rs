//! Arithmetic on AQL numbers.

use super::Value;

/// When a number is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// While the query is planned: integers stay integers where the result is exact.
    Planning,
    /// While it runs: every result is a double.
    Running,
}

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

impl Arithmetic {
    pub(crate) fn add(self, left: &Value, right: &Value) -> Value {
        self.compute(left, right, i64::checked_add, |left, right| left + right)
    }

    pub(crate) fn subtract(self, left: &Value, right: &Value) -> Value {
        self.compute(left, right, i64::checked_sub, |left, right| left - right)
    }

    pub(crate) fn multiply(self, left: &Value, right: &Value) -> Value {
        self.compute(left, right, i64::checked_mul, |left, right| left * right)
    }

    /// Nothing where the divisor is zero.
    pub(crate) fn remainder(self, left: &Value, right: &Value) -> Option<Value> {
        let divisor = to_f64(right);
        (divisor != 0.0).then(|| self.compute(left, right, i64::checked_rem, |left, right| left % right))
    }

    pub(crate) fn negate(self, value: &Value) -> Value {
        self.subtract(&Value::Int(0), value)
    }

    fn compute(
        self,
        left: &Value,
        right: &Value,
        exact: fn(i64, i64) -> Option<i64>,
        rounded: fn(f64, f64) -> f64,
    ) -> Value {
        let (left, right) = (to_number(left), to_number(right));
        if let (Self::Planning, Value::Int(left), Value::Int(right)) = (self, &left, &right)
            && let Some(result) = exact(*left, *right)
        {
            return Value::Int(result);
        }
        Value::double(rounded(to_f64(&left), to_f64(&right)))
    }
}

/// Always a double; nothing where the divisor is zero.
pub(crate) fn divide(left: &Value, right: &Value) -> Option<Value> {
    let divisor = to_f64(right);
    (divisor != 0.0).then(|| Value::double(to_f64(left) / divisor))
}

#[expect(clippy::cast_precision_loss, reason = "that is what AQL does with large integers")]
pub(crate) fn from_integer(number: i64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, reason = "the integer part is wanted; the cast saturates")]
fn to_integer(number: f64) -> i64 {
    number as i64
}
