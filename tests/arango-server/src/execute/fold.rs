//! What the optimiser computes before a query runs: every expression without a document, the clock included.

use std::collections::BTreeMap;

use crate::{
    aql::ast::{Expression, Name, Operation, Query, Source, WriteKind},
    eval::{Row, Runtime, evaluate},
    value::Value,
};

/// The query with constants in the place of what is constant.
pub(super) fn fold(mut query: Query, runtime: &Runtime) -> Query {
    let mut fold = Fold { constants: BTreeMap::new(), runtime };
    for operation in &mut query.operations {
        fold.operation(operation);
    }
    query
}

/// Whether the result of the query is the same as long as its collections are. Asked of a folded query, as the server
/// does it, the answer leaves out a clock that was read once.
pub(super) fn is_cacheable(query: &Query) -> bool {
    let changes = |expression: &&Expression| {
        expression.any(&|part| matches!(part, Expression::Call(name, _) if !is_deterministic(name) || name == CLOCK))
    };
    query
        .operations
        .iter()
        .all(|operation| !matches!(operation, Operation::Write(_)) && !operation.expressions().iter().any(changes))
}

const CLOCK: &str = "DATE_NOW";

fn is_deterministic(function: &str) -> bool {
    function != "SLEEP"
}

struct Fold<'a> {
    constants: BTreeMap<String, Value>,
    runtime: &'a Runtime,
}

impl Fold<'_> {
    fn operation(&mut self, operation: &mut Operation) {
        match operation {
            Operation::For { source: Source::Expression(expression), .. } => self.expression(expression),
            Operation::For { .. } => {}
            Operation::Let { variable, value } => {
                self.expression(value);
                if let Expression::Literal(value) = value {
                    self.constants.insert(variable.clone(), value.clone());
                }
            }
            Operation::Filter(value) | Operation::Return { value, .. } => self.expression(value),
            Operation::Sort(keys) => keys.iter_mut().for_each(|(key, _)| self.expression(key)),
            Operation::Limit { offset, count } => {
                offset.iter_mut().chain([count]).for_each(|part| self.expression(part))
            }
            Operation::Write(write) => match &mut write.kind {
                WriteKind::Insert { document } => self.expression(document),
                WriteKind::Change { key, with, .. } => {
                    [key].into_iter().chain(with).for_each(|part| self.expression(part));
                }
                WriteKind::Remove { key } => self.expression(key),
                WriteKind::Upsert { search, insert, change, .. } => {
                    [search, insert, change].into_iter().for_each(|part| self.expression(part));
                }
            },
        }
    }

    fn expression(&self, expression: &mut Expression) {
        let is_constant = match expression {
            Expression::Literal(_) => return,
            Expression::Variable(name) => self.constants.contains_key(name),
            Expression::Bind(_) => true,
            Expression::Call(name, arguments) => {
                let (name, constant) = (name.clone(), self.all(arguments.iter_mut()));
                constant && is_deterministic(&name) && (name != CLOCK || self.runtime.folds_now())
            }
            Expression::Array(items) => self.all(items.iter_mut()),
            Expression::Object(attributes) => attributes.iter_mut().fold(true, |constant, (name, value)| {
                let name = self.name(name);
                self.is_folded(value) && name && constant
            }),
            Expression::Attribute(of, name) => {
                let name = self.name(name);
                self.is_folded(of) && name
            }
            Expression::Unary(_, of) => self.is_folded(of),
            Expression::Index(left, right) | Expression::Binary(_, left, right) => {
                let left = self.is_folded(left);
                self.is_folded(right) && left
            }
            Expression::Ternary(condition, yes, no) => {
                let parts = [Some(condition), yes.as_mut(), Some(no)];
                self.all(parts.into_iter().flatten().map(|part| &mut **part))
            }
        };
        if !is_constant {
            return;
        }
        if let Expression::Variable(name) = expression {
            *expression = Expression::Literal(self.constants[name].clone());
            return;
        }
        let mut planning = self.runtime.planning();
        let value = evaluate(expression, &Row::default(), &mut planning);
        // What deserves a warning is left to the run, which gives it.
        if planning.warnings.is_empty() {
            *expression = Expression::Literal(value);
        }
    }

    /// Folds each of them, also after one that is no constant.
    fn all<'e>(&self, expressions: impl Iterator<Item = &'e mut Expression>) -> bool {
        expressions.map(|part| self.is_folded(part)).filter(|folded| !folded).count() == 0
    }

    fn is_folded(&self, expression: &mut Expression) -> bool {
        self.expression(expression);
        matches!(expression, Expression::Literal(_))
    }

    fn name(&self, name: &mut Name) -> bool {
        match name {
            Name::Fixed(_) | Name::Bind(_) => true,
            Name::Computed(expression) => self.is_folded(expression),
        }
    }
}
