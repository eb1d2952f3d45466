//! The variables of one row.

use std::sync::Arc;

use crate::value::Value;

#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    variables: Vec<(Arc<str>, Value)>,
}

impl Row {
    /// Null where there is no such variable.
    pub(crate) fn get(&self, name: &str) -> Value {
        let newest = self.variables.iter().rev().find(|(known, _)| &**known == name);
        newest.map_or(Value::Null, |(_, value)| value.clone())
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.variables.push((Arc::from(name), value));
        self
    }
}
