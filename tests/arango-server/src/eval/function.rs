//! Functions.

use std::{cmp::Ordering, time::Duration};

use crate::value::{Value, compare, number};

use super::{Runtime, operator::text};

pub(super) fn call(name: &str, arguments: &[Value], runtime: &mut Runtime) -> Value {
    match (name, arguments) {
        ("ABS", [value]) => Value::double(number::to_f64(value).abs()),
        ("CEIL", [value]) => Value::double(number::to_f64(value).ceil()),
        ("CONCAT", values) => Value::string(values.iter().map(|value| text(value).to_string()).collect::<String>()),
        ("DATE_NOW", []) => Value::Int(runtime.now()),
        ("FIRST", [Value::Array(items)]) => items.first().cloned().unwrap_or(Value::Null),
        ("FLOOR", [value]) => Value::double(number::to_f64(value).floor()),
        ("HAS", [Value::Object(object), name]) => Value::Bool(object.contains_key(&*text(name))),
        ("IS_ARRAY", [value]) => Value::Bool(matches!(value, Value::Array(_))),
        ("IS_BOOL", [value]) => Value::Bool(matches!(value, Value::Bool(_))),
        ("IS_NULL", [value]) => Value::Bool(matches!(value, Value::Null)),
        ("IS_NUMBER", [value]) => Value::Bool(matches!(value, Value::Int(_) | Value::Double(_))),
        ("IS_OBJECT", [value]) => Value::Bool(matches!(value, Value::Object(_))),
        ("IS_STRING", [value]) => Value::Bool(matches!(value, Value::String(_))),
        ("LENGTH", [value]) => length(value),
        ("MAX", [Value::Array(items)]) => extreme(items, Ordering::Greater),
        ("MIN", [Value::Array(items)]) => extreme(items, Ordering::Less),
        ("NOT_NULL", values) => {
            values.iter().find(|value| !matches!(value, Value::Null)).cloned().unwrap_or(Value::Null)
        }
        ("SLEEP", [seconds]) => {
            runtime.sleep(Duration::try_from_secs_f64(number::to_f64(seconds)).unwrap_or_default());
            Value::Null
        }
        ("STARTS_WITH", [string, start]) => Value::Bool(text(string).starts_with(&*text(start))),
        ("TO_NUMBER", [value]) => number::to_number(value),
        ("TO_STRING", [value]) => Value::String(text(value)),
        _ => {
            runtime.warn(1542, format!("invalid argument type in call to function '{name}()'"));
            Value::Null
        }
    }
}

fn length(value: &Value) -> Value {
    let length = match value {
        Value::Null | Value::Bool(false) => 0,
        Value::Bool(true) => 1,
        Value::Int(_) | Value::Double(_) => text(value).len(),
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(attributes) => attributes.len(),
    };
    Value::Int(i64::try_from(length).unwrap_or(i64::MAX))
}

/// The greatest or least element; null does not count.
fn extreme(items: &[Value], wanted: Ordering) -> Value {
    let numbers = items.iter().filter(|item| !matches!(item, Value::Null));
    let found = numbers.reduce(|best, item| if compare(item, best) == wanted { item } else { best });
    found.cloned().unwrap_or(Value::Null)
}
