//! The commands, as pure functions. Every decision is taken by the server, on its clock, in one update.
//!
//! What must never change: a caller's value goes in as `$literal` or as a BSON string under `_id`, never as an
//! expression; every write is guarded by [`condition::sound`]; every write waits for a majority and its journals.

use std::{collections::BTreeMap, time::Duration};

use mongodb::bson::{Bson, DateTime, Document, doc};
use shylock_core::{AcquireRequest, LeaseKey, ListQuery, LockName, Renewal};

use crate::{
    condition, index,
    literal::{count, holder, largest_token, ms},
    prefix::after_prefix,
};

/// A write that has reached no majority by then is reported as unknown.
const WRITE_CONCERN_TIMEOUT: Duration = Duration::from_secs(10);

/// How many leases one statement renews. The server looks each up in a list, so that more take ever longer.
const STATEMENT: usize = 100;

/// The commands for one collection.
#[derive(Debug, Clone)]
pub(crate) struct Queries {
    pub(crate) collection: String,
    pub(crate) retention: Duration,
    /// ε: an expired lease is taken over twice this time after its end.
    pub(crate) skew: Duration,
}

impl Queries {
    /// Takes the lock if it is free, or recognises its own lease; else changes nothing. Answers the record.
    pub(crate) fn acquire(&self, request: &AcquireRequest) -> Document {
        let mine = doc! { "$and": [{ "$eq": ["$owner", holder(request.holder)] }, condition::not_ended()] };
        let ended = doc! { "$lte": [{ "$add": ["$expiresAt", ms(self.skew * 2)] }, "$$NOW"] };
        let fresh = doc! { "$eq": ["$$ROOT", { "_id": "$_id" }] };
        let may = doc! { "$or": [fresh, { "$and": [condition::sound(), { "$or": [&mine, ended] }] }] };
        let token = doc! { "$cond": [&mine, "$token", next_token()] };
        let since = doc! { "$cond": [&mine, "$acquiredAt", "$$NOW"] };
        let mut command = self.change(&request.name, replace_if(may, self.lease(request, token.into(), since.into())));
        command.extend(doc! { "new": true, "upsert": true });
        command
    }

    /// Passes the lock on if it is `from`'s; else changes nothing. Answers the record.
    pub(crate) fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Document {
        let record = self.lease(to, next_token().into(), "$$NOW".into());
        let mut command = self.change(&from.name, replace_if(condition::owned_by(from), record));
        command.insert("new", true);
        command
    }

    /// Prolongs those of these leases that are live. Counts them in `n`.
    pub(crate) fn renew(&self, leases: &[Renewal]) -> Document {
        let mut by_ttl: BTreeMap<Duration, Vec<&Renewal>> = BTreeMap::new();
        for renewal in leases {
            by_ttl.entry(renewal.ttl).or_default().push(renewal);
        }
        let some = by_ttl.iter().flat_map(|(ttl, leases)| leases.chunks(STATEMENT).map(move |some| (*ttl, some)));
        let update = |(ttl, leases): (Duration, &[&Renewal])| {
            doc! {
                "q": condition::live_ones(leases),
                "u": [{ "$set": {
                    "leaseMs": ms(ttl),
                    "expiresAt": { "$max": ["$expiresAt", { "$add": ["$$NOW", ms(ttl)] }] },
                    "purgeAt": self.purge_at(ttl),
                } }],
                "multi": true,
            }
        };
        doc! {
            "update": &self.collection,
            "updates": some.map(update).collect::<Vec<_>>(),
            "ordered": false,
            "writeConcern": write_concern(),
        }
    }

    /// Those of these leases that are live.
    pub(crate) fn live(&self, leases: &[Renewal]) -> Document {
        let all: Vec<&Renewal> = leases.iter().collect();
        doc! {
            "find": &self.collection,
            "filter": condition::live_ones(&all),
            "projection": { "_id": 1, "owner": 1, "token": 1 },
            "batchSize": count(leases.len()),
            "singleBatch": true,
        }
    }

    /// Frees each lock that is its holder's; see [`release`](crate::release). The records stay, for the tokens' sake.
    pub(crate) fn release(&self, leases: &[LeaseKey]) -> Document {
        let update = |lease: &LeaseKey| {
            let record = doc! { "$cond": [condition::owned_by(lease), freed(), no_number()] };
            // A record that is not there is never made: that fails, too.
            doc! { "q": { "_id": lease.name.as_str() }, "u": [{ "$replaceWith": record }], "upsert": true }
        };
        doc! {
            "update": &self.collection,
            "updates": leases.iter().map(update).collect::<Vec<_>>(),
            "ordered": false,
            "writeConcern": write_concern(),
        }
    }

    /// Makes a free lock of a record that is not sound. Answers the record as it was before.
    pub(crate) fn repair(&self, name: &LockName) -> Document {
        let in_range = doc! { "$and": [
            { "$isNumber": "$token" },
            { "$gte": ["$token", 1_i64] },
            { "$lt": ["$token", largest_token()] },
        ] };
        let kept = doc! { "$cond": [in_range, { "$toLong": { "$floor": "$token" } }, 1_i64] };
        let free = doc! {
            "_id": "$_id",
            "owner": Bson::Null,
            "token": { "$max": [kept, by_clock()] },
            "expiresAt": DateTime::from_millis(0),
            "purgeAt": { "$add": ["$$NOW", ms(self.retention)] },
        };
        self.change(name, choose(condition::sound(), "$$ROOT".into(), free.into()))
    }

    /// The record.
    pub(crate) fn inspect(&self, name: &LockName) -> Document {
        doc! {
            "find": &self.collection,
            "filter": { "_id": name.as_str() },
            "projection": record_and_time(),
            "limit": 1,
            "singleBatch": true,
            "readConcern": { "level": "majority" },
        }
    }

    /// A page of the records of live leases.
    pub(crate) fn list(&self, query: &ListQuery) -> Document {
        let mut names = doc! { "$gte": &query.prefix };
        if let Some(end) = after_prefix(&query.prefix) {
            names.insert("$lt", end);
        }
        if let Some(after) = &query.after {
            names.insert("$gt", after.as_str());
        }
        doc! {
            "find": &self.collection,
            // The index of live leases has what matches the condition on `owner`, by name.
            "filter": { "_id": names, "owner": index::is_held(), "$expr": condition::held() },
            "projection": record_and_time(),
            "sort": { "_id": 1 },
            "limit": count(query.limit.max(1)),
            "batchSize": count(query.limit.max(1)),
            "singleBatch": true,
            "readConcern": { "level": "majority" },
        }
    }

    /// Changes one record, and answers it with the server's time: as it was before, unless `new` is set.
    fn change(&self, name: &LockName, update: Document) -> Document {
        doc! {
            "findAndModify": &self.collection,
            "query": { "_id": name.as_str() },
            "update": [update],
            "fields": record_and_time(),
            "writeConcern": write_concern(),
        }
    }

    /// The record of a new or repeated grant.
    fn lease(&self, request: &AcquireRequest, token: Bson, since: Bson) -> Document {
        let AcquireRequest { holder: owner, ttl, info, .. } = request;
        let text = |text: &Option<String>| doc! { "$literal": text.as_deref() };
        doc! {
            "_id": "$_id",
            "owner": holder(*owner),
            "token": token,
            "leaseMs": ms(*ttl),
            "acquiredAt": since,
            "expiresAt": { "$max": [
                { "$add": ["$$NOW", ms(*ttl)] },
                // Only a repeated request finds a lease of its own that lasts longer.
                { "$cond": [{ "$eq": ["$owner", holder(*owner)] }, "$expiresAt", Bson::Null] },
            ] },
            "purgeAt": self.purge_at(*ttl),
            "host": text(&info.host),
            "pid": { "$literal": info.pid.map(i64::from) },
            "note": text(&info.note),
        }
    }

    /// When the record may be removed. It is moved on only when half of the retention is over, since each change
    /// costs a write to the index.
    fn purge_at(&self, ttl: Duration) -> Document {
        let enough = doc! { "$add": ["$$NOW", ms(ttl + self.retention / 2)] };
        let full = doc! { "$add": ["$$NOW", ms(ttl + self.retention)] };
        doc! { "$cond": [{ "$gt": ["$purgeAt", enough] }, "$purgeAt", full] }
    }
}

/// An update: the one record if the condition holds, else the other.
fn choose(condition: Document, record: Bson, other: Bson) -> Document {
    doc! { "$replaceWith": { "$cond": [condition, record, other] } }
}

/// An update: the new record if the condition holds, else the record as it is.
fn replace_if(condition: Document, record: Document) -> Document {
    choose(condition, record.into(), "$$ROOT".into())
}

/// Fails with [`NOT_HELD`](crate::release::NOT_HELD) for each record. No constant: the server would evaluate that in advance.
fn no_number() -> Document {
    doc! { "$toInt": { "$concat": ["not held: ", { "$toString": "$_id" }] } }
}

fn freed() -> Document {
    doc! { "$mergeObjects": ["$$ROOT", { "owner": Bson::Null, "expiresAt": DateTime::from_millis(0) }] }
}

/// [`FencingToken::following`], on the server.
fn next_token() -> Document {
    doc! { "$max": [{ "$add": ["$token", 1_i64] }, by_clock()] }
}

/// The smallest token of this millisecond.
fn by_clock() -> Document {
    doc! { "$multiply": [{ "$toLong": "$$NOW" }, 1024_i64] }
}

fn record_and_time() -> Document {
    doc! { "_id": 0, "record": "$$ROOT", "now": "$$NOW" }
}

/// `w: 1` gave two holders the same token after a fail-over. `j` is spelled out, since a replica set can be told to
/// take a majority's memory for enough.
fn write_concern() -> Document {
    doc! { "w": "majority", "j": true, "wtimeout": ms(WRITE_CONCERN_TIMEOUT) }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
