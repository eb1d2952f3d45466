//! The order of types and values: comparing never fails.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{Object, Value, number::to_f64};

/// null < bool < number < string < array < object; within a type by value.
pub(crate) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => arrays(left, right),
        (Value::Object(left), Value::Object(right)) => objects(left, right),
        _ if rank(left) != rank(right) => rank(left).cmp(&rank(right)),
        _ => to_f64(left).partial_cmp(&to_f64(right)).unwrap_or(Ordering::Equal),
    }
}

pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    compare(left, right).is_eq()
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Double(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// A missing element counts as less than any, even than null.
fn arrays(left: &[Value], right: &[Value]) -> Ordering {
    let pairs = left.iter().zip(right).map(|(left, right)| compare(left, right));
    pairs.chain([left.len().cmp(&right.len())]).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Attribute by attribute in the order of their names; a missing attribute counts as null.
fn objects(left: &Object, right: &Object) -> Ordering {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let of = |object: &Object, name| object.get(name).cloned().unwrap_or(Value::Null);
    let orders = names.into_iter().map(|name| compare(&of(left, name), &of(right, name)));
    orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        Value::from(serde_json::from_str::<serde_json::Value>(json).expect("JSON"))
    }

    #[test]
    fn types_have_an_order_and_so_have_values() {
        let ascending = [
            "null",
            "false",
            "true",
            "-1",
            "0",
            "1.5",
            "2",
            "\"\"",
            "\"0\"",
            "\"a\"",
            "\"b\"",
            "[]",
            "[null]",
            "[1]",
            "[1,2]",
            "[2]",
            "{}",
            "{\"a\":1}",
            "{\"a\":2}",
        ];
        for (position, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                let order = compare(&value(left), &value(right));
                assert_eq!(order, position.cmp(&other), "{left} and {right}");
            }
        }
    }

    #[test]
    fn integers_and_doubles_are_the_same_numbers() {
        assert!(equal(&Value::Int(2), &Value::Double(2.0)));
        assert!(equal(&Value::Double(-0.0), &Value::Int(0)));
    }

    #[test]
    fn a_missing_attribute_is_null() {
        assert!(equal(&value("{\"a\":null}"), &value("{}")));
    }
}
