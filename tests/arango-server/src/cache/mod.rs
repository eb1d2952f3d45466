//! What a server keeps of queries: results, and plans with what they were planned with.

mod plans;
mod results;

pub(crate) use plans::{Plans, is_eligible};
pub(crate) use results::{Hit, Key, Results};
