//! Operations that read.

use std::cmp::Ordering;

use crate::{
    aql::ast::{Direction, Expression, Operation, Source},
    error::Failure,
    eval::{Row, evaluate},
    value::{Value, compare, equal, number},
};

use super::{Execution, keys, ranges};

impl Execution<'_> {
    pub(super) fn read(&mut self, operation: &Operation, position: usize, rows: Vec<Row>) -> Result<Vec<Row>, Failure> {
        Ok(match operation {
            Operation::For { variable, source } => self.for_each(variable, source, position, rows)?,
            Operation::Let { variable, value } => {
                let mut with = |row: Row| {
                    let value = evaluate(value, &row, &mut self.runtime);
                    row.with(variable, value)
                };
                rows.into_iter().map(&mut with).collect()
            }
            Operation::Filter(condition) => self.filter(condition, rows),
            Operation::Sort(keys) => self.sort(keys, rows),
            Operation::Limit { offset, count } => self.limit(offset.as_ref(), count, rows),
            Operation::Return { .. } | Operation::Write(_) => rows,
        })
    }

    pub(super) async fn results(&mut self, rows: &[Row], distinct: bool, value: &Expression) -> Vec<Value> {
        let mut results: Vec<Value> = Vec::with_capacity(rows.len());
        for row in rows {
            let result = evaluate(value, row, &mut self.runtime);
            self.sleep().await;
            if !distinct || !results.iter().any(|known| equal(known, &result)) {
                results.push(result);
            }
        }
        results
    }

    fn for_each(
        &mut self,
        variable: &str,
        source: &Source,
        position: usize,
        rows: Vec<Row>,
    ) -> Result<Vec<Row>, Failure> {
        let mut result = Vec::new();
        for row in rows {
            let items = match source {
                Source::Collection(_) | Source::Name(_) => self.documents(variable, position, &row)?,
                Source::Expression(expression) => match evaluate(expression, &row, &mut self.runtime) {
                    Value::Array(items) => items.to_vec(),
                    _ => {
                        self.runtime.warn(1563, "array expected");
                        Vec::new()
                    }
                },
            };
            result.extend(items.into_iter().map(|item| row.clone().with(variable, item)));
        }
        Ok(result)
    }

    /// By the primary index where the filters that follow say which keys, by a sorted one where they bound its first
    /// field, else all.
    fn documents(&mut self, variable: &str, position: usize, row: &Row) -> Result<Vec<Value>, Failure> {
        let handle = self.plan.handle(position)?.clone();
        let following = &self.plan.query.operations[position + 1..];
        let Some(wanted) = keys::wanted(variable, following) else {
            let indexes = self.transaction.indexes(&handle)?;
            if let Some((index, range)) = ranges::wanted(variable, following, &indexes, row, &mut self.runtime) {
                let (documents, scanned) = self.transaction.range(&handle, index, &range)?;
                self.stats.scanned_index += count(scanned);
                self.stats.document_lookups += count(documents.len());
                return Ok(documents);
            }
            let documents = self.transaction.scan(&handle);
            self.stats.scanned_full += count(documents.len());
            return Ok(documents);
        };
        let keys = keys::all(&evaluate(wanted.expression, row, &mut self.runtime), wanted.is_list);
        let documents: Vec<Value> = keys.iter().filter_map(|key| self.transaction.find(&handle, key)).collect();
        self.stats.scanned_index += count(documents.len());
        self.stats.document_lookups += count(documents.len());
        Ok(documents)
    }

    fn filter(&mut self, condition: &Expression, rows: Vec<Row>) -> Vec<Row> {
        let before = rows.len();
        let mut passes = |row: &Row| evaluate(condition, row, &mut self.runtime).is_truthy();
        let rows: Vec<Row> = rows.into_iter().filter(|row| passes(row)).collect();
        self.stats.filtered += count(before - rows.len());
        rows
    }

    fn sort(&mut self, keys: &[(Expression, Direction)], rows: Vec<Row>) -> Vec<Row> {
        let mut value =
            |row: &Row| -> Vec<Value> { keys.iter().map(|(key, _)| evaluate(key, row, &mut self.runtime)).collect() };
        let mut keyed: Vec<(Vec<Value>, Row)> = rows.into_iter().map(|row| (value(&row), row)).collect();
        keyed.sort_by(|(left, _), (right, _)| {
            let orders =
                keys.iter().zip(left.iter().zip(right)).map(|((_, direction), (left, right))| match direction {
                    Direction::Ascending => compare(left, right),
                    Direction::Descending => compare(right, left),
                });
            orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        keyed.into_iter().map(|(_, row)| row).collect()
    }

    fn limit(&mut self, offset: Option<&Expression>, limit: &Expression, rows: Vec<Row>) -> Vec<Row> {
        let mut number = |expression: &Expression| {
            let value = evaluate(expression, &Row::default(), &mut self.runtime);
            usize::try_from(number::to_i64(&value)).unwrap_or(0)
        };
        let skip = offset.map_or(0, &mut number);
        let most = number(limit);
        rows.into_iter().skip(skip).take(most).collect()
    }
}

pub(super) fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
