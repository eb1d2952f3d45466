//! What a query reports about itself.

use std::time::Duration;

use serde_json::{Value as Json, json};

#[derive(Debug, Clone, Default)]
pub(crate) struct Stats {
    pub(crate) writes_executed: u64,
    pub(crate) writes_ignored: u64,
    pub(crate) document_lookups: u64,
    pub(crate) scanned_full: u64,
    pub(crate) scanned_index: u64,
    pub(crate) filtered: u64,
}

impl Stats {
    pub(crate) fn body(&self, time: Duration) -> Json {
        json!({
            "writesExecuted": self.writes_executed,
            "writesIgnored": self.writes_ignored,
            "documentLookups": self.document_lookups,
            "seeks": 0,
            "scannedFull": self.scanned_full,
            "scannedIndex": self.scanned_index,
            "searchParallelism": 1,
            "cursorsCreated": 0,
            "cursorsRearmed": 0,
            "cacheHits": 0,
            "cacheMisses": 0,
            "filtered": self.filtered,
            "httpRequests": 0,
            "executionTime": time.as_secs_f64(),
            "peakMemoryUsage": 0,
            "intermediateCommits": 0,
        })
    }
}
