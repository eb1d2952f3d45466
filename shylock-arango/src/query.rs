//! The bind values of each text, as pure functions. What must never change: a caller's value is a bind value.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use shylock_core::{
    AcquireRequest, FencingToken, HolderId, LeaseKey, ListQuery, LockName, Renewal, record::FARTHEST_END,
};

use crate::{
    key::key,
    record::{NOBODY, grace, owner},
    text::{FENCE, HAND_OFF, LIST, PEEK, RELEASE, RENEW, REPAIR, TAKE, Text},
};

/// A text and its bind values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) text: Text,
    pub(crate) binds: Value,
    /// At most so many rows can come.
    pub(crate) rows: usize,
}

/// The queries on one collection.
#[derive(Debug, Clone)]
pub(crate) struct Queries {
    pub(crate) collection: String,
    /// ε: an expired lease is taken over twice this time after its end.
    pub(crate) skew: Duration,
}

impl Queries {
    /// Takes the lock if it is free or recognises the caller's own lease. `dead` is the holder whose lease was seen
    /// to have ended: no other's is taken over, so that nothing is that was not judged before.
    pub(crate) fn take(&self, request: &AcquireRequest, dead: Option<HolderId>) -> Query {
        let mut binds = self.lease(request);
        binds["bytes"] = request.name.as_str().bytes().collect();
        binds["dead"] = dead.map_or_else(|| NOBODY.to_owned(), owner).into();
        binds["grace"] = grace(self.skew).into();
        Query { text: TAKE, binds, rows: 1 }
    }

    pub(crate) fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Query {
        let mut binds = self.lease(to);
        binds["from"] = owner(from.holder).into();
        binds["token"] = from.token.get().into();
        Query { text: HAND_OFF, binds, rows: 1 }
    }

    /// One lease a key; see [`batch`](crate::batch).
    pub(crate) fn renew(&self, leases: &[&Renewal]) -> Query {
        let want = |Renewal { lease, ttl }: &Renewal| {
            let LeaseKey { name, holder, token } = lease;
            let want = json!({
                "name": name.as_str(), "owner": owner(*holder), "token": token.get(), "ttl": ttl.as_secs_f64(),
            });
            (key(name), want)
        };
        let leases: BTreeMap<String, Value> = leases.iter().map(|renewal| want(renewal)).collect();
        let keys: Vec<&String> = leases.keys().collect();
        let binds = json!({ "@locks": self.collection, "keys": keys, "leases": leases, "farthest": farthest() });
        Query { text: RENEW, rows: keys.len(), binds }
    }

    /// One lease a key.
    pub(crate) fn release(&self, leases: &[&LeaseKey]) -> Query {
        let want = |LeaseKey { name, holder, token }: &LeaseKey| {
            (key(name), json!({ "name": name.as_str(), "owner": owner(*holder), "token": token.get() }))
        };
        let leases: BTreeMap<String, Value> = leases.iter().map(|lease| want(lease)).collect();
        let keys: Vec<&String> = leases.keys().collect();
        let binds = json!({ "@locks": self.collection, "keys": keys, "leases": leases, "farthest": farthest() });
        Query { text: RELEASE, rows: keys.len(), binds }
    }

    /// Makes a free lock of the record with this revision, whose token is this one as far as it can be read.
    pub(crate) fn repair(&self, name: &LockName, rev: &str, token: Option<FencingToken>) -> Query {
        let binds = json!({
            "@locks": self.collection,
            "key": key(name),
            "rev": rev,
            "name": name.as_str(),
            "token": token.map_or(1, FencingToken::get),
        });
        Query { text: REPAIR, binds, rows: 1 }
    }

    pub(crate) fn peek(&self, name: &LockName) -> Query {
        Query { text: PEEK, binds: json!({ "@locks": self.collection, "key": key(name) }), rows: 1 }
    }

    /// The records of live leases whose names begin with the prefix and come after the query's name, both as bytes: texts
    /// are ordered by a collation, numbers are not. `last` is the `bytes` of the last record of the page before. One
    /// bound on each side is what an index can use.
    pub(crate) fn list(&self, query: &ListQuery, last: Option<&[Value]>, rows: usize) -> Query {
        let prefix = bytes(&query.prefix);
        // No byte is 256: this comes after all that begin with the prefix, and before everything else behind it.
        let end = [prefix.as_slice(), &[256]].concat();
        let after = query.after.as_ref().map(|name| next(&bytes(name.as_str()))).unwrap_or_default();
        let binds = json!({
            "@locks": self.collection,
            "from": last.map_or_else(|| json!(after.max(prefix)), |last| json!(next(last))),
            "end": end,
            "limit": rows,
            "farthest": farthest(),
        });
        Query { text: LIST, binds, rows }
    }

    /// The bind values of [`FENCE`].
    pub(crate) fn fence_binds(collection: &str, lease: &LeaseKey) -> [(&'static str, Value); 7] {
        [
            // A server keeps no plan of a query in which a bind value names an attribute. A plan has the time at which
            // it was made.
            ("shylockEnd", "expiresAt".into()),
            ("@shylockLocks", collection.into()),
            ("shylockKey", key(&lease.name).into()),
            ("shylockName", lease.name.as_str().into()),
            ("shylockOwner", owner(lease.holder).into()),
            ("shylockToken", lease.token.get().into()),
            ("shylockFarthest", farthest().into()),
        ]
    }

    pub(crate) fn fence(collection: &str, lease: &LeaseKey) -> Query {
        let binds = Self::fence_binds(collection, lease);
        Query { text: FENCE, binds: binds.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), rows: 1 }
    }

    /// What `take` and `hand_off` have in common.
    fn lease(&self, request: &AcquireRequest) -> Value {
        let AcquireRequest { name, holder, ttl, info } = request;
        json!({
            "@locks": self.collection,
            "key": key(name),
            "name": name.as_str(),
            "owner": owner(*holder),
            "ttl": ttl.as_secs_f64(),
            "host": info.host,
            "pid": info.pid,
            "note": info.note,
            "farthest": farthest(),
        })
    }
}

fn bytes(text: &str) -> Vec<i16> {
    text.bytes().map(i16::from).collect()
}

/// What comes directly after these bytes: no byte is -1.
fn next<T: Clone + From<i16>>(bytes: &[T]) -> Vec<T> {
    [bytes, &[T::from(-1)]].concat()
}

fn farthest() -> f64 {
    FARTHEST_END.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shylock_core::HolderInfo;

    use super::*;

    fn name(name: &str) -> LockName {
        LockName::new(name).expect("a valid name")
    }

    fn lease(of: &str) -> LeaseKey {
        let token = FencingToken::new(5).expect("a token");
        LeaseKey { name: name(of), holder: HolderId::from_bytes([0xab; 16]), token }
    }

    fn request(of: &str) -> AcquireRequest {
        let info = HolderInfo { host: Some("h".into()), pid: Some(1), note: None };
        AcquireRequest { name: name(of), holder: HolderId::from_bytes([1; 16]), ttl: Duration::from_secs(30), info }
    }

    fn all() -> Vec<Query> {
        let queries = Queries { collection: "shylock_locks".into(), skew: Duration::from_millis(250) };
        let renewal = Renewal { lease: lease("a"), ttl: Duration::from_secs(30) };
        let list = ListQuery { prefix: "aé".into(), after: None, limit: 9 };
        vec![
            queries.take(&request("a/b"), None),
            queries.take(&request("a/b"), Some(HolderId::from_bytes([2; 16]))),
            queries.hand_off(&lease("a"), &request("a")),
            queries.renew(&[&renewal]),
            queries.release(&[&lease("a")]),
            queries.repair(&name("a"), "_x", None),
            queries.peek(&name("a")),
            queries.list(&list, None, 9),
            Queries::fence("shylock_locks", &lease("a")),
        ]
    }

    /// The `@names` in a text. Ours has no quoted `@`.
    fn names(aql: &str) -> BTreeSet<String> {
        let word = |rest: &str| -> String {
            let (at, rest) = rest.strip_prefix('@').map_or(("", rest), |rest| ("@", rest));
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            format!("{at}{}", &rest[..end])
        };
        aql.match_indices('@')
            .filter(|(at, _)| !aql[..*at].ends_with('@'))
            .map(|(at, _)| word(&aql[at + 1..]))
            .collect()
    }

    /// The server refuses a query with a value too few, and one with a value too many.
    #[test]
    fn each_text_gets_the_values_that_it_names() {
        for Query { text, binds, .. } in all() {
            let given: BTreeSet<String> = binds.as_object().expect("an object").keys().cloned().collect();
            assert_eq!(given, names(text.aql), "{}", text.name);
        }
    }

    #[test]
    fn values_are_as_the_texts_expect_them() {
        let all = all();
        let (first, second) = (&all[0].binds, &all[1].binds);
        assert_eq!((&first["key"], &first["name"]), (&json!("a%2Fb"), &json!("a/b")));
        assert_eq!((&first["bytes"], &first["ttl"]), (&json!([97, 47, 98]), &json!(30.0)));
        assert_eq!((&first["grace"], &first["farthest"]), (&json!(0.5), &json!(90_000.0)));
        assert_eq!((&first["dead"], &second["dead"]), (&json!(""), &json!("02".repeat(16))));
        assert_eq!(all[3].binds["leases"]["a"]["owner"], json!("ab".repeat(16)));
        let list = &all[7].binds;
        assert_eq!((&list["from"], &list["end"]), (&json!([97, 195, 169]), &json!([97, 195, 169, 256])));
    }

    /// The next page begins right after the last name, and never before the prefix.
    #[test]
    fn a_page_begins_where_the_last_one_ended() {
        let queries = Queries { collection: "shylock_locks".into(), skew: Duration::ZERO };
        for (prefix, after, last, from) in [
            ("", None, None, json!([])),
            ("b", None, None, json!([98])),
            ("b", Some("a"), None, json!([98])),
            ("b", Some("b"), None, json!([98, -1])),
            ("b", Some("bc"), None, json!([98, 99, -1])),
            ("b", Some("c"), None, json!([99, -1])),
            ("b", Some("bc"), Some([json!(98), json!(100.5)]), json!([98, 100.5, -1])),
        ] {
            let query = ListQuery { prefix: prefix.into(), after: after.map(name), limit: 9 };
            assert_eq!(
                queries.list(&query, last.as_ref().map(|last| &last[..]), 9).binds["from"],
                from,
                "{prefix:?} after {after:?}"
            );
        }
        let names = ["b", "b ", "ba", "bé", "c"].map(bytes);
        for (at, name) in names.iter().enumerate() {
            let next = next(name);
            assert!(names.iter().enumerate().all(|(other, name)| (*name >= next) == (other > at)), "{name:?}");
        }
    }

    /// Arrays of numbers are compared position by position: that is the order of the names' bytes.
    #[test]
    fn a_prefix_is_a_range() {
        let prefixes = ["", "a", "é", "a\u{10ffff}"];
        let names = ["a", "ab", "é", "éa", "a\u{10ffff}", "a\u{10ffff}z", "b", "\u{10ffff}", " "];
        for prefix in prefixes {
            let from: Vec<u16> = prefix.bytes().map(u16::from).collect();
            let end = [from.as_slice(), &[256]].concat();
            for name in names {
                let bytes: Vec<u16> = name.bytes().map(u16::from).collect();
                assert_eq!(bytes >= from && bytes < end, name.starts_with(prefix), "{name:?} under {prefix:?}");
            }
        }
    }
}
