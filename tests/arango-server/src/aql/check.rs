//! What can be told wrong without running a query: names, functions, options, access after a
//! modification.

use std::collections::BTreeSet;

use crate::{error::Failure, value::Object};

use super::{
    ast::{Collection, Expression, Operation, Query, Source, Write, WriteKind},
    binds, functions,
};

/// Checks a query, and settles which names are collections.
pub(crate) fn check(mut query: Query, values: &Object) -> Result<Query, Failure> {
    let mut variables = BTreeSet::new();
    let mut modified = BTreeSet::new();
    for operation in &mut query.operations {
        settle(operation, &variables);
        if let Operation::Write(write) = operation {
            options(write)?;
        }
        for expression in operation.expressions() {
            names(expression, &in_scope(operation, expression, &variables))?;
        }
        if let Some(collection) = operation.collection() {
            let name = binds::collection(collection, values).to_owned();
            if modified.contains(&name) {
                let message = format!("access after data-modification by collection '{name}'");
                return Err(Failure::new(1579, message));
            }
            if matches!(operation, Operation::Write(_)) {
                modified.insert(name);
            }
        }
        declare(operation, &mut variables)?;
    }
    Ok(query)
}

/// A name after IN is a collection's, unless there is such a variable.
fn settle(operation: &mut Operation, variables: &BTreeSet<String>) {
    if let Operation::For { source, .. } = operation
        && let Source::Name(name) = source
    {
        *source = if variables.contains(name) {
            Source::Expression(Expression::Variable(name.clone()))
        } else {
            Source::Collection(Collection::Name(name.clone()))
        };
    }
}

/// UPSERT knows the found document as OLD, in its last expression only.
fn in_scope(operation: &Operation, expression: &Expression, variables: &BTreeSet<String>) -> BTreeSet<String> {
    let mut variables = variables.clone();
    if let Operation::Write(Write { kind: WriteKind::Upsert { change, .. }, .. }) = operation
        && std::ptr::eq(change, expression)
    {
        variables.insert("OLD".to_owned());
    }
    variables
}

fn names(expression: &Expression, variables: &BTreeSet<String>) -> Result<(), Failure> {
    match expression {
        Expression::Variable(name) if !variables.contains(name) => {
            return Err(Failure::new(1512, format!("unknown variable '{name}' (while parsing)")));
        }
        Expression::Call(name, arguments) => functions::check(name, arguments.len())?,
        _ => {}
    }
    expression.parts().into_iter().try_for_each(|part| names(part, variables))
}

/// Options are constants. The real server may allow bind parameters in them; our texts must not
/// depend on that.
fn options(write: &Write) -> Result<(), Failure> {
    let is_constant = |value: &Expression| {
        !value.any(&|part| matches!(part, Expression::Variable(_) | Expression::Bind(_) | Expression::Call(..)))
    };
    if write.options.iter().all(|(_, value)| is_constant(value)) {
        return Ok(());
    }
    Err(Failure::of(1575))
}

fn declare(operation: &Operation, variables: &mut BTreeSet<String>) -> Result<(), Failure> {
    match operation {
        Operation::For { variable, .. } | Operation::Let { variable, .. } if !variables.insert(variable.clone()) => {
            let message = format!("variable '{variable}' is assigned multiple times (while parsing)");
            return Err(Failure::new(1511, message));
        }
        Operation::Write(write) => {
            if !matches!(write.kind, WriteKind::Insert { .. }) {
                variables.insert("OLD".to_owned());
            }
            if !matches!(write.kind, WriteKind::Remove { .. }) {
                variables.insert("NEW".to_owned());
            }
        }
        _ => {}
    }
    Ok(())
}
