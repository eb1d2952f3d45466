//! Which requests a fault means.

use crate::value::{Object, Value};

#[derive(Debug, Clone, Default)]
pub(crate) struct Matcher {
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) endpoint: Option<usize>,
}

/// What a request shows of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traits<'a> {
    pub(crate) endpoint: usize,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) binds: Option<&'a Object>,
}

impl Matcher {
    pub(crate) fn matches(&self, request: &Traits<'_>) -> bool {
        let is = |wanted: &Option<String>, found: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(found);
        self.endpoint.is_none_or(|endpoint| endpoint == request.endpoint)
            && is(&self.method, &|method| request.method.eq_ignore_ascii_case(method))
            && is(&self.path, &|part| request.path.contains(part))
            && is(&self.query, &|part| request.query.is_some_and(|query| query.contains(part)))
            && is(&self.key, &|key| request.binds.is_some_and(|binds| binds.values().any(|value| names(value, key))))
    }
}

fn names(value: &Value, key: &str) -> bool {
    match value {
        Value::String(text) => &**text == key,
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(key)),
        Value::Object(attributes) => attributes.contains_key(key),
        _ => false,
    }
}
