//! AQL values: cheap to clone, because rows and versions share them.

mod convert;
mod json;
pub(crate) mod number;
mod order;

use std::{collections::BTreeMap, sync::Arc};

pub(crate) use json::{Numbers, write};
pub(crate) use order::{compare, equal};

/// The attributes of an object. AQL gives their order no meaning.
pub(crate) type Object = BTreeMap<String, Value>;

/// Anything an AQL expression can result in.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    String(Arc<str>),
    Array(Arc<Vec<Value>>),
    Object(Arc<Object>),
}

impl Value {
    pub(crate) fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    pub(crate) fn array(items: Vec<Self>) -> Self {
        Self::Array(Arc::new(items))
    }

    pub(crate) fn object(attributes: Object) -> Self {
        Self::Object(Arc::new(attributes))
    }

    /// A double where it is one: not a number and infinity become null.
    pub(crate) fn double(number: f64) -> Self {
        if number.is_finite() { Self::Double(number) } else { Self::Null }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(attributes) => Some(attributes),
            _ => None,
        }
    }

    /// The attribute; null where it is missing, or where this is no object.
    pub(crate) fn attribute(&self, name: &str) -> Self {
        self.as_object().and_then(|attributes| attributes.get(name)).cloned().unwrap_or(Self::Null)
    }

    /// What `!`, `&&`, `||`, `?:` and FILTER make of it.
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Double(number) => *number != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::Array(_) | Self::Object(_) => true,
        }
    }
}
