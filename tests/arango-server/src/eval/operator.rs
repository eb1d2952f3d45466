//! Operators.

use std::sync::Arc;

use crate::{
    aql::ast::{Binary, Expression, Unary},
    value::{self, Numbers, Value, compare, equal, number},
};

use super::{Row, Runtime, contains, evaluate};

/// As many elements as a range may have here; more are cut off.
const LONGEST_RANGE: i64 = 1_000_000;

pub(super) fn unary(operator: Unary, of: &Value, runtime: &Runtime) -> Value {
    match operator {
        Unary::Not => Value::Bool(!of.is_truthy()),
        Unary::Minus => runtime.arithmetic.negate(of),
        Unary::Plus => number::to_number(of),
    }
}

/// `&&` and `||` result in an operand, and evaluate the right one only where it counts.
pub(super) fn binary(
    operator: Binary,
    left: &Expression,
    right: &Expression,
    row: &Row,
    runtime: &mut Runtime,
) -> Value {
    let left = evaluate(left, row, runtime);
    match operator {
        Binary::Or if left.is_truthy() => return left,
        Binary::And if !left.is_truthy() => return left,
        _ => {}
    }
    let right = evaluate(right, row, runtime);
    match operator {
        Binary::Or | Binary::And => right,
        Binary::Equal => Value::Bool(equal(&left, &right)),
        Binary::NotEqual => Value::Bool(!equal(&left, &right)),
        Binary::In => Value::Bool(contains(&right, &left)),
        Binary::NotIn => Value::Bool(!contains(&right, &left)),
        Binary::Less => Value::Bool(compare(&left, &right).is_lt()),
        Binary::LessOrEqual => Value::Bool(compare(&left, &right).is_le()),
        Binary::Greater => Value::Bool(compare(&left, &right).is_gt()),
        Binary::GreaterOrEqual => Value::Bool(compare(&left, &right).is_ge()),
        Binary::Range => range(&left, &right),
        Binary::Add if runtime.plus_joins_strings && (is_string(&left) || is_string(&right)) => {
            Value::string(format!("{}{}", text(&left), text(&right)))
        }
        Binary::Add => runtime.arithmetic.add(&left, &right),
        Binary::Subtract => runtime.arithmetic.subtract(&left, &right),
        Binary::Multiply => runtime.arithmetic.multiply(&left, &right),
        Binary::Divide => quotient(number::divide(&left, &right), runtime),
        Binary::Remainder => quotient(runtime.arithmetic.remainder(&left, &right), runtime),
    }
}

/// The text that stands for a value among names and in concatenations.
pub(super) fn text(value: &Value) -> Arc<str> {
    match value {
        Value::String(text) => Arc::clone(text),
        Value::Null => Arc::from(""),
        _ => {
            let mut text = String::new();
            value::write(value, Numbers::AsTheyAre, &mut text);
            Arc::from(text)
        }
    }
}

fn is_string(value: &Value) -> bool {
    value.as_str().is_some()
}

fn quotient(quotient: Option<Value>, runtime: &mut Runtime) -> Value {
    quotient.unwrap_or_else(|| {
        runtime.warn(1562, "division by zero");
        Value::Null
    })
}

fn range(from: &Value, to: &Value) -> Value {
    let (from, to) = (number::to_i64(from), number::to_i64(to));
    let items: Vec<Value> = if from <= to {
        (from..=to.min(from.saturating_add(LONGEST_RANGE))).map(Value::Int).collect()
    } else {
        (to.max(from.saturating_sub(LONGEST_RANGE))..=from).rev().map(Value::Int).collect()
    };
    Value::array(items)
}
