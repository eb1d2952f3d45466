//! Bind parameters: all that are declared have a value, and none is left over.

use std::collections::BTreeSet;

use crate::{
    error::Failure,
    value::{Object, Value},
};

use super::ast::{Collection, Expression, Name, Query};

/// The bind parameters of a query, those of collections with their `@`.
pub(crate) fn declared(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for operation in &query.operations {
        if let Some(Collection::Bind(name)) = operation.collection() {
            names.insert(name.clone());
        }
        for expression in operation.expressions() {
            collect(expression, &mut names);
        }
        if let super::ast::Operation::Write(write) = operation {
            write.options.iter().for_each(|(_, value)| collect(value, &mut names));
        }
    }
    names
}

/// Checks the values against what the query declares.
pub(crate) fn check(query: &Query, values: &Object) -> Result<(), Failure> {
    let declared = declared(query);
    if let Some(missing) = declared.iter().find(|name| !values.contains_key(*name)) {
        let message = format!("no value specified for declared bind parameter '{missing}' (while parsing)");
        return Err(Failure::new(1551, message));
    }
    if let Some(extra) = values.keys().find(|name| !declared.contains(*name)) {
        let message = format!("bind parameter '{extra}' was not declared in the query (while parsing)");
        return Err(Failure::new(1552, message));
    }
    for (name, value) in values.iter().filter(|(name, _)| name.starts_with('@')) {
        if value.as_str().is_none_or(str::is_empty) {
            let message = format!("bind parameter '{name}' has an invalid value or type (while parsing)");
            return Err(Failure::new(1553, message));
        }
    }
    let strings = attribute_names(query);
    if let Some(wrong) = strings.iter().find(|name| values.get(*name).is_some_and(|value| value.as_str().is_none())) {
        let message = format!("bind parameter '{wrong}' has an invalid value or type (while parsing)");
        return Err(Failure::new(1553, message));
    }
    Ok(())
}

/// The collection that is meant.
pub(crate) fn collection<'a>(collection: &'a Collection, values: &'a Object) -> &'a str {
    match collection {
        Collection::Name(name) => name,
        Collection::Bind(name) => values.get(name).and_then(Value::as_str).unwrap_or_default(),
    }
}

fn collect(expression: &Expression, names: &mut BTreeSet<String>) {
    if let Expression::Bind(name) = expression {
        names.insert(name.clone());
    }
    names.extend(bound_names(expression));
    expression.parts().into_iter().for_each(|part| collect(part, names));
}

fn bound_names(expression: &Expression) -> impl Iterator<Item = String> {
    expression.names().into_iter().filter_map(|name| match name {
        Name::Bind(name) => Some(name.clone()),
        Name::Fixed(_) | Name::Computed(_) => None,
    })
}

/// Bind parameters that stand for names of attributes.
fn attribute_names(query: &Query) -> BTreeSet<String> {
    fn visit(expression: &Expression, names: &mut BTreeSet<String>) {
        names.extend(bound_names(expression));
        expression.parts().into_iter().for_each(|part| visit(part, names));
    }
    let mut names = BTreeSet::new();
    query.operations.iter().flat_map(|each| each.expressions()).for_each(|each| visit(each, &mut names));
    names
}
