//! The value of an expression.

mod function;
mod operator;
mod row;
mod runtime;

use std::sync::Arc;

use crate::{
    aql::ast::{Expression, Name},
    value::{Object, Value, equal, number},
};

pub(crate) use row::Row;
pub(crate) use runtime::{Now, Runtime, Warning};

/// Evaluates an expression that has passed the check; that cannot fail.
pub(crate) fn evaluate(expression: &Expression, row: &Row, runtime: &mut Runtime) -> Value {
    match expression {
        Expression::Literal(value) => value.clone(),
        Expression::Variable(name) => row.get(name),
        Expression::Bind(name) => runtime.bind(name),
        Expression::Array(items) => Value::array(items.iter().map(|item| evaluate(item, row, runtime)).collect()),
        Expression::Object(attributes) => object(attributes, row, runtime),
        Expression::Attribute(of, by) => {
            let of = evaluate(of, row, runtime);
            of.attribute(&name(by, row, runtime))
        }
        Expression::Index(of, index) => {
            let of = evaluate(of, row, runtime);
            let index = evaluate(index, row, runtime);
            element(&of, &index)
        }
        Expression::Unary(operator, of) => {
            let of = evaluate(of, row, runtime);
            operator::unary(*operator, &of, runtime)
        }
        Expression::Binary(binary, left, right) => operator::binary(*binary, left, right, row, runtime),
        Expression::Ternary(condition, yes, no) => {
            let condition = evaluate(condition, row, runtime);
            match (condition.is_truthy(), yes) {
                (true, Some(yes)) => evaluate(yes, row, runtime),
                (true, None) => condition,
                (false, _) => evaluate(no, row, runtime),
            }
        }
        Expression::Call(name, arguments) => {
            let arguments: Vec<Value> = arguments.iter().map(|argument| evaluate(argument, row, runtime)).collect();
            function::call(name, &arguments, runtime)
        }
    }
}

/// Of attributes with the same name the last one counts.
fn object(attributes: &[(Name, Expression)], row: &Row, runtime: &mut Runtime) -> Value {
    let mut object = Object::new();
    for (by, value) in attributes {
        let name = name(by, row, runtime);
        object.insert(name.to_string(), evaluate(value, row, runtime));
    }
    Value::object(object)
}

fn name(name: &Name, row: &Row, runtime: &mut Runtime) -> Arc<str> {
    let value = match name {
        Name::Fixed(name) => return Arc::from(name.as_str()),
        Name::Bind(name) => runtime.bind(name),
        Name::Computed(expression) => evaluate(expression, row, runtime),
    };
    operator::text(&value)
}

/// An attribute by name, or an element by position, counted from the end where negative.
fn element(of: &Value, index: &Value) -> Value {
    match of {
        Value::Object(_) => of.attribute(&operator::text(index)),
        Value::Array(items) => {
            let position = number::to_i64(index);
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let position = if position < 0 { position.saturating_add(length) } else { position };
            usize::try_from(position).ok().and_then(|position| items.get(position)).cloned().unwrap_or(Value::Null)
        }
        _ => Value::Null,
    }
}

/// Whether an array has the element. What is no array has none.
fn contains(array: &Value, element: &Value) -> bool {
    match array {
        Value::Array(items) => items.iter().any(|item| equal(item, element)),
        _ => false,
    }
}
