//! The plan cache, for queries with the option `usePlanCache`. A plan that reads the clock once keeps what it has read.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    aql::ast::{Expression, Name, Operation, Query, Write, WriteKind},
    clock::Clock,
    value::Object,
};

/// The time at which each plan was made.
#[derive(Debug, Default)]
pub(crate) struct Plans(Mutex<HashMap<String, i64>>);

impl Plans {
    /// What the plan of this query has for the time: its own, if it was planned before.
    pub(crate) fn time(&self, database: &str, text: &str, values: &Object, clock: &Clock) -> i64 {
        let collections = values.iter().filter(|(name, _)| name.starts_with('@'));
        let collections: Vec<_> = collections.map(|(name, value)| (name, value.as_str())).collect();
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *plans.entry(format!("{database} {collections:?} {text}")).or_insert_with(|| clock.now())
    }
}

/// Whether the server would keep the plan; it refuses the query otherwise.
pub(crate) fn is_eligible(query: &Query) -> bool {
    let names_by_bind = |expression: &Expression| {
        expression.any(&|part| part.names().into_iter().any(|name| matches!(name, Name::Bind(_))))
    };
    let is_bound = |expression: &Expression| matches!(expression, Expression::Bind(_));
    query.operations.iter().all(|operation| match operation {
        Operation::Limit { offset, count } => !offset.iter().chain([count]).any(is_bound),
        Operation::Write(Write { kind: WriteKind::Upsert { .. }, .. }) => false,
        _ => !operation.expressions().into_iter().any(names_by_bind),
    })
}
