//! The texts of the lock protocol, and requests with them.

use serde_json::{Value as Json, json};

use super::client::{Client, Reply};

pub(crate) const TAKE: &str = include_str!("../texts/take.aql");
pub(crate) const RENEW: &str = include_str!("../texts/renew.aql");
pub(crate) const RELEASE: &str = include_str!("../texts/release.aql");
pub(crate) const ABANDON: &str = include_str!("../texts/abandon.aql");
pub(crate) const PEEK: &str = include_str!("../texts/peek.aql");
pub(crate) const LIST: &str = include_str!("../texts/list.aql");
pub(crate) const FORCE_BREAK: &str = include_str!("../texts/force_break.aql");
pub(crate) const NOW: &str = include_str!("../texts/now.aql");

pub(crate) const ALL: [&str; 8] = [TAKE, RENEW, RELEASE, ABANDON, PEEK, LIST, FORCE_BREAK, NOW];

pub(crate) async fn take(client: &Client, key: &str, owner: &str, ttl: f64) -> Reply {
    take_with(client, TAKE, key, owner, ttl).await
}

pub(crate) async fn take_with(client: &Client, text: &str, key: &str, owner: &str, ttl: f64) -> Reply {
    let holder = json!({ "note": owner, owner: true });
    let binds = json!({ "key": key, "name": key, "owner": owner, "holder": holder, "ttl": ttl });
    client.on_locks(text, binds).await
}

pub(crate) async fn renew(client: &Client, key: &str, owner: &str, token: &Json, ttl: f64) -> Reply {
    let leases = json!({ key: { "owner": owner, "token": token, "ttl": ttl } });
    client.on_locks(RENEW, json!({ "keys": [key], "leases": leases })).await
}

pub(crate) async fn release(client: &Client, key: &str, owner: &str, token: &Json) -> Reply {
    let leases = json!({ key: { "owner": owner, "token": token } });
    client.on_locks(RELEASE, json!({ "keys": [key], "leases": leases })).await
}

pub(crate) async fn peek(client: &Client, key: &str) -> Reply {
    client.on_locks(PEEK, json!({ "key": key })).await
}
