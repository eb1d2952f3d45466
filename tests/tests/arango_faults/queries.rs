//! The backend's queries as plain texts, whole or with something taken out, sent past the backend.

use arango_server::{ArangoServer, AuditEntry, Builder};
use serde_json::{Value, json};

use super::{audit::Verdict, lab::LOCKS};

pub(crate) const TAKE: &str = include_str!("../../../shylock-arango/src/aql/take.aql");
pub(crate) const RENEW: &str = include_str!("../../../shylock-arango/src/aql/renew.aql");
pub(crate) const RELEASE: &str = include_str!("../../../shylock-arango/src/aql/release.aql");
pub(crate) const HAND_OFF: &str = include_str!("../../../shylock-arango/src/aql/hand_off.aql");

/// The lock that all of them are about.
pub(crate) const KEY: &str = "k";

/// A server without users, and no backend.
pub(crate) struct Bench {
    pub(crate) server: ArangoServer,
    pub(crate) client: Client,
}

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
}

/// The text with something replaced everywhere.
///
/// # Panics
///
/// It is not there.
pub(crate) fn broken(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in\n{text}");
    text.replace(from, to)
}

/// The text is caught by what its original passes.
pub(crate) async fn only_the_original_passes(original: &str, broken: &str, scenario: impl AsyncFn(&str) -> Verdict) {
    assert_eq!(scenario(original).await, Ok(()), "the original");
    let caught = scenario(broken).await.expect_err("the broken one is caught");
    println!("caught: {caught}");
}

impl Bench {
    pub(crate) async fn start(builder: Builder) -> Self {
        let server = builder.start().expect("a server");
        let client = Client { http: reqwest::Client::new(), url: server.url() };
        let made = client.send("/_api/collection", &json!({ "name": LOCKS })).await;
        assert_eq!(made["error"], false, "{made}");
        Self { server, client }
    }

    pub(crate) fn history(&self) -> Vec<AuditEntry> {
        self.server.history("_system", LOCKS, KEY)
    }

    /// What a query of that kind does to the record: nothing, for it to be right.
    pub(crate) fn unless_changed_since(&self, versions: usize) -> Verdict {
        match self.history().get(versions) {
            Some(change) => Err(format!("changed to {:?}", change.document)),
            None => Ok(()),
        }
    }

    /// A lease of somebody's.
    pub(crate) async fn granted(&self, owner: &str, ttl: f64) -> u64 {
        self.client.take(TAKE, owner, "", ttl).await.unwrap_or_else(|| panic!("not granted to {owner}"))
    }
}

impl Client {
    /// The token, if it is granted.
    pub(crate) async fn take(&self, text: &str, owner: &str, dead: &str, ttl: f64) -> Option<u64> {
        let row = self.rows(text, lease(owner, dead, ttl)).await.pop()?;
        (row["owner"] == owner).then(|| row["token"].as_u64().expect("a token"))
    }

    pub(crate) async fn renew(&self, text: &str, owner: &str, token: u64, ttl: f64) -> usize {
        let leases = json!({ KEY: { "name": KEY, "owner": owner, "token": token, "ttl": ttl } });
        self.rows(text, json!({ "keys": [KEY], "leases": leases })).await.len()
    }

    pub(crate) async fn release(&self, text: &str, owner: &str, token: u64) -> usize {
        let leases = json!({ KEY: { "name": KEY, "owner": owner, "token": token } });
        self.rows(text, json!({ "keys": [KEY], "leases": leases })).await.len()
    }

    pub(crate) async fn hand_off(&self, text: &str, (from, token): (&str, u64), to: &str, ttl: f64) -> usize {
        let mut binds = lease(to, "", ttl);
        binds["from"] = from.into();
        binds["token"] = token.into();
        self.rows(text, binds).await.len()
    }

    /// Conflicts are no rows.
    async fn rows(&self, text: &str, mut binds: Value) -> Vec<Value> {
        binds["@locks"] = LOCKS.into();
        binds["farthest"] = 90_000.into();
        // What is taken out of a text may have been the only one to name a value.
        let named = |name: &String| text.contains(&format!("@{name}"));
        let binds: Value =
            binds.as_object().expect("values").clone().into_iter().filter(|(name, _)| named(name)).collect();
        let answer = self.send("/_api/cursor", &json!({ "query": text, "bindVars": binds })).await;
        match (&answer["result"], &answer["errorNum"]) {
            (Value::Array(rows), _) => rows.clone(),
            (_, number) if number == 1200 => Vec::new(),
            _ => panic!("{answer} to\n{text}"),
        }
    }

    async fn send(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        request.send().await.expect("answered").json().await.expect("JSON")
    }
}

/// The values of `take`, and most of those of `hand_off`.
fn lease(owner: &str, dead: &str, ttl: f64) -> Value {
    json!({
        "key": KEY, "name": KEY, "bytes": KEY.as_bytes(), "owner": owner, "dead": dead, "grace": 0.5, "ttl": ttl,
        "host": null, "pid": null, "note": null,
    })
}
