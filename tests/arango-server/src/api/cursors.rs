//! Cursors that are open.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::{
    error::Failure,
    http::Response,
    settings::Settings,
    value::{self, Numbers, Value},
};

#[derive(Debug)]
pub(crate) struct Cursors {
    open: Mutex<BTreeMap<u64, Cursor>>,
    lifetime: Duration,
}

/// Results, and how far they were fetched.
#[derive(Debug)]
pub(crate) struct Cursor {
    extra: Json,
    rows: Vec<Value>,
    batch: usize,
    cached: bool,
    numbers: Numbers,
    fetched: usize,
    batches: u64,
    used: Instant,
}

impl Cursor {
    pub(crate) fn new(settings: &Settings, extra: Json, rows: Vec<Value>, batch: usize) -> Self {
        let numbers = if settings.all_doubles { Numbers::AllDoubles } else { Numbers::AsTheyAre };
        Self { extra, rows, batch, cached: false, numbers, fetched: 0, batches: 0, used: Instant::now() }
    }

    /// As an answer from the cache of results.
    pub(crate) fn cached(self) -> Self {
        Self { cached: true, ..self }
    }

    fn has_more(&self) -> bool {
        self.fetched < self.rows.len()
    }

    /// The next batch.
    fn body(&mut self, id: u64, code: u16, count: bool) -> String {
        let until = (self.fetched + self.batch).min(self.rows.len());
        let rows = Value::array(self.rows[self.fetched..until].to_vec());
        self.fetched = until;
        self.batches += 1;
        self.used = Instant::now();
        let mut rest = json!({
            "hasMore": self.has_more(), "cached": self.cached, "extra": self.extra, "error": false, "code": code,
        });
        if self.has_more() {
            rest["id"] = Json::from(id.to_string());
            rest["nextBatchId"] = Json::from((self.batches + 1).to_string());
        }
        if count {
            rest["count"] = Json::from(self.rows.len());
        }
        let mut text = "{\"result\":".to_owned();
        value::write(&rows, self.numbers, &mut text);
        text.push(',');
        text.push_str(rest.to_string().trim_start_matches('{'));
        text
    }
}

impl Cursors {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { open: Mutex::default(), lifetime }
    }

    /// The first batch; the rest is kept, if there is one.
    pub(crate) fn first(&self, mut cursor: Cursor, count: bool) -> Result<Response, Failure> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, cursor| cursor.used.elapsed() < self.lifetime);
        let id = open.keys().next_back().map_or(70_001, |last| last + 1);
        let body = cursor.body(id, 201, count);
        if cursor.has_more() {
            open.insert(id, cursor);
        }
        Ok(Response::text(201, body))
    }

    pub(crate) fn next(&self, id: &str, batch: Option<&str>) -> Result<Response, Failure> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, cursor| cursor.used.elapsed() < self.lifetime);
        let id: u64 = id.parse().map_err(|_| Failure::of(1600))?;
        let cursor = open.get_mut(&id).ok_or_else(|| Failure::of(1600))?;
        if batch.is_some_and(|batch| batch != (cursor.batches + 1).to_string()) {
            return Err(Failure::of(1600));
        }
        let body = cursor.body(id, 200, false);
        if !cursor.has_more() {
            open.remove(&id);
        }
        Ok(Response::text(200, body))
    }

    pub(crate) fn delete(&self, id: &str) -> Result<(), Failure> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let id: u64 = id.parse().map_err(|_| Failure::of(1600))?;
        open.remove(&id).map(drop).ok_or_else(|| Failure::of(1600))
    }

    /// As after a crash.
    pub(crate) fn clear(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
