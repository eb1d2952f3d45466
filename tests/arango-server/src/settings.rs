//! What a server is like.

use std::{collections::BTreeMap, time::Duration};

use crate::access::User;

/// The generation of the interface that a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Generation {
    /// 3.12
    #[default]
    V3,
    /// 4.x: no `status`, no `path`, no `PUT` for cursors, `+` joins strings.
    V4,
}

/// When `DATE_NOW()` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateNow {
    /// Once, when the query is planned, before its snapshot.
    #[default]
    Folded,
    /// At every call.
    PerCall,
}

/// The mode of the results cache, `--query.cache-mode`. Only single servers have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheMode {
    /// No result is kept.
    #[default]
    Off,
    /// Results are kept unless a query says `"cache": false`.
    On,
    /// Results are kept where a query says `"cache": true`.
    Demand,
}

/// What protects a document from lost updates; switched off only to show that it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// A write fails if its key was committed after the snapshot.
    pub snapshot_validation: bool,
    /// With `ignoreRevs: false` a write fails if `_rev` is not the current one.
    pub revision_compare: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self { snapshot_validation: true, revision_compare: true }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) generation: Generation,
    pub(crate) date_now: DateNow,
    pub(crate) guards: Guards,
    pub(crate) results_cache: CacheMode,
    pub(crate) cluster: bool,
    pub(crate) clock_offsets: Vec<i64>,
    pub(crate) ttl_clock_offset: i64,
    pub(crate) ttl_interval: Option<Duration>,
    pub(crate) ttl_hold: Duration,
    pub(crate) visibility_delay: Duration,
    pub(crate) exclusive_wait: Duration,
    pub(crate) key_lock_error: u32,
    pub(crate) stream_idle: Duration,
    pub(crate) stream_wait: Duration,
    pub(crate) all_doubles: bool,
    pub(crate) hardened: bool,
    pub(crate) server_header: Option<String>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) session: Duration,
    pub(crate) cursor_ttl: Duration,
    pub(crate) port: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            generation: Generation::default(),
            date_now: DateNow::default(),
            guards: Guards::default(),
            results_cache: CacheMode::default(),
            cluster: false,
            clock_offsets: vec![0],
            ttl_clock_offset: 0,
            ttl_interval: None,
            ttl_hold: Duration::ZERO,
            visibility_delay: Duration::ZERO,
            exclusive_wait: Duration::from_secs(1),
            key_lock_error: 1200,
            stream_idle: Duration::from_secs(60),
            stream_wait: Duration::from_secs(8),
            all_doubles: false,
            hardened: false,
            server_header: Some("ArangoDB".to_owned()),
            users: BTreeMap::new(),
            session: Duration::from_secs(3600),
            cursor_ttl: Duration::from_secs(30),
            port: 0,
        }
    }
}
