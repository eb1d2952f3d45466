//! Whether filters bound what a sorted index is over.

use std::cmp::Ordering;

use crate::{
    aql::ast::{Binary, Expression, Name, Operation},
    eval::{Row, Runtime, evaluate},
    store::{Range, index::Index},
    value::Value,
};

use super::keys::{conjuncts, is_known_before};

/// The first index that the filters after the FOR bound, and within which bounds. A sparse index has no nulls, so it is
/// of use only where the filters leave them out.
pub(super) fn wanted<'a>(
    variable: &str,
    following: &[Operation],
    indexes: &'a [Index],
    row: &Row,
    runtime: &mut Runtime,
) -> Option<(&'a Index, Range)> {
    let filters = following.iter().map_while(|operation| match operation {
        Operation::Filter(condition) => Some(condition),
        _ => None,
    });
    let conditions: Vec<&Expression> = filters.flat_map(conjuncts).collect();
    indexes.iter().find_map(|index| {
        let is_sparse = index.sorts()?;
        let field = index.fields.first()?;
        let mut range = Range::default();
        for condition in &conditions {
            if let Some((order, other, is_inside)) = bound(variable, field, condition) {
                range.narrow(order, &evaluate(other, row, runtime), is_inside);
            }
        }
        let leaves_out_null =
            range.from.as_ref().is_some_and(|from| !from.is_inside || !matches!(from.value, Value::Null));
        let is_bounded = range.from.is_some() || range.to.is_some();
        (is_bounded && (leaves_out_null || !is_sparse)).then_some((index, range))
    })
}

/// On which side of what the field lies, and whether it may be the same.
fn bound<'a>(variable: &str, field: &str, condition: &'a Expression) -> Option<(Ordering, &'a Expression, bool)> {
    let Expression::Binary(operator, left, right) = condition else { return None };
    let (order, is_inside) = match operator {
        Binary::Equal => (Ordering::Equal, true),
        Binary::Greater => (Ordering::Greater, false),
        Binary::GreaterOrEqual => (Ordering::Greater, true),
        Binary::Less => (Ordering::Less, false),
        Binary::LessOrEqual => (Ordering::Less, true),
        _ => return None,
    };
    [(left, right, order), (right, left, order.reverse())].into_iter().find_map(|(access, other, order)| {
        (is_field(access, variable, field) && is_known_before(other, variable)).then_some((order, &**other, is_inside))
    })
}

fn is_field(expression: &Expression, variable: &str, field: &str) -> bool {
    let Expression::Attribute(of, Name::Fixed(name)) = expression else { return false };
    name == field && matches!(&**of, Expression::Variable(of) if of == variable)
}
