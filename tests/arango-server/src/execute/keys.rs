//! Whether filters name the keys that a FOR can be about.

use std::collections::BTreeSet;

use crate::{
    aql::ast::{Binary, Expression, Name, Operation},
    value::Value,
};

/// The key, or the list of keys, that documents have to have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) expression: &'a Expression,
    pub(super) is_list: bool,
}

/// Looks for `variable._key == …` or `variable._key IN …` among the filters that come directly
/// after the FOR. The filters are applied all the same.
pub(super) fn wanted<'a>(variable: &str, following: &'a [Operation]) -> Option<Wanted<'a>> {
    let filters = following.iter().map_while(|operation| match operation {
        Operation::Filter(condition) => Some(condition),
        _ => None,
    });
    filters.flat_map(conjuncts).find_map(|condition| equality(variable, condition))
}

/// All keys, each once.
pub(super) fn all(value: &Value, is_list: bool) -> BTreeSet<String> {
    let items = match value {
        Value::Array(items) if is_list => items.as_slice(),
        _ if is_list => &[],
        single => std::slice::from_ref(single),
    };
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

pub(super) fn conjuncts(condition: &Expression) -> Vec<&Expression> {
    match condition {
        Expression::Binary(Binary::And, left, right) => conjuncts(left).into_iter().chain(conjuncts(right)).collect(),
        _ => vec![condition],
    }
}

fn equality<'a>(variable: &str, condition: &'a Expression) -> Option<Wanted<'a>> {
    let Expression::Binary(operator @ (Binary::Equal | Binary::In), left, right) = condition else { return None };
    let sides = [(left, right), (right, left)];
    let found = sides.into_iter().take(if *operator == Binary::In { 1 } else { 2 });
    let mut found = found.filter(|(key, other)| is_key_of(key, variable) && is_known_before(other, variable));
    found.next().map(|(_, other)| Wanted { expression: other, is_list: *operator == Binary::In })
}

fn is_key_of(expression: &Expression, variable: &str) -> bool {
    let Expression::Attribute(of, Name::Fixed(name)) = expression else { return false };
    name == "_key" && matches!(&**of, Expression::Variable(of) if of == variable)
}

pub(super) fn is_known_before(expression: &Expression, variable: &str) -> bool {
    !expression.any(&|part| matches!(part, Expression::Variable(name) if name == variable))
}
