//! The points of a request where a fault can happen.

/// A point in the course of a request. Those between `Parsing` and `Committed` exist only in
/// queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// The request is read; nothing has been done about it.
    Received,
    /// The query is about to be parsed.
    Parsing,
    /// It is parsed, and its time taken where that is done once. Its snapshot is not.
    BeforeSnapshot,
    /// The snapshot is taken.
    AfterSnapshot,
    /// What is to be modified has been read, and nothing is locked.
    AfterRead,
    /// The first key is locked.
    Locked,
    /// All is written and locked.
    BeforeCommit,
    /// All is committed, and the locks are free.
    Committed,
    /// The answer is made, whatever it is.
    Answering,
}
