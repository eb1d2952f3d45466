//! The log of all versions that were ever committed.

use serde_json::Value as Json;

/// One version of one document.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// The number of its commit. Versions of one commit share it.
    pub sequence: u64,
    /// Milliseconds since 1970 on the clock of the machine, at the commit.
    pub server_time: i64,
    /// The same on the clock of the coordinator, or of the TTL thread.
    pub author_time: i64,
    /// Who wrote it.
    pub origin: Origin,
    /// The database.
    pub database: String,
    /// The collection.
    pub collection: String,
    /// The document's key.
    pub key: String,
    /// The version; nothing where the document was removed.
    pub document: Option<Json>,
    /// Whether a crash has undone it.
    pub lost: bool,
}

/// The author of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A request to the endpoint with that number.
    Endpoint(usize),
    /// The TTL thread.
    Ttl,
}
