//! The options of a write.

use crate::{
    aql::ast::{Expression, Name},
    eval::{Now, Row, Runtime, evaluate},
    value::Value,
};

#[derive(Debug, Clone)]
pub(crate) struct WriteOptions {
    pub(crate) ignore_revs: bool,
    pub(crate) merge_objects: bool,
    pub(crate) keep_null: bool,
    pub(crate) wait_for_sync: bool,
    pub(crate) ignore_errors: bool,
    pub(crate) exclusive: bool,
    pub(crate) overwrite: Overwrite,
}

/// What INSERT does where there is such a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overwrite {
    Conflict,
    Ignore,
    Update,
    Replace,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            ignore_revs: true,
            merge_objects: true,
            keep_null: true,
            wait_for_sync: false,
            ignore_errors: false,
            exclusive: false,
            overwrite: Overwrite::Conflict,
        }
    }
}

impl WriteOptions {
    /// Reads options that have passed the check, so are constants.
    pub(super) fn read(options: &[(Name, Expression)], unknown: &mut Vec<String>) -> Self {
        let mut result = Self::default();
        let mut constant = Runtime::new(std::sync::Arc::default(), Now::Folded(0), false);
        for (name, value) in options {
            let Name::Fixed(name) = name else { continue };
            let value = evaluate(value, &Row::default(), &mut constant);
            if !result.set(name, &value) {
                unknown.push(name.clone());
            }
        }
        result
    }

    fn set(&mut self, name: &str, value: &Value) -> bool {
        let flag = value.is_truthy();
        match name {
            "ignoreRevs" => self.ignore_revs = flag,
            "mergeObjects" => self.merge_objects = flag,
            "keepNull" => self.keep_null = flag,
            "waitForSync" => self.wait_for_sync = flag,
            "ignoreErrors" => self.ignore_errors = flag,
            "exclusive" => self.exclusive = flag,
            "overwriteMode" => match value.as_str() {
                Some("conflict") => self.overwrite = Overwrite::Conflict,
                Some("ignore") => self.overwrite = Overwrite::Ignore,
                Some("update") => self.overwrite = Overwrite::Update,
                Some("replace") => self.overwrite = Overwrite::Replace,
                _ => return false,
            },
            "indexHint" | "forceIndexHint" => {}
            _ => return false,
        }
        true
    }
}
