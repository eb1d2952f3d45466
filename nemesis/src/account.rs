//! The store's own account: all grants of all locks in the order in which the set decided them, from the oplog of its
//! primary. What was rolled back is not in it. By host and note, it names the call that each grant was for.

use std::collections::{HashMap, HashSet};

use mongodb::{
    Client,
    bson::{Bson, Document, doc},
    options::FindOptions,
};
use serde::{Deserialize, Serialize};
use shylock_proof::history::{Before, Event, What};

use crate::Result;

const COLLECTION: &str = "shylock_locks";

/// A record, as far as the account goes.
#[derive(Debug, Clone, Default)]
struct Record {
    token: i64,
    /// Nobody's where there is none.
    owned: bool,
    granted: i64,
    ends: i64,
    host: String,
    note: String,
}

/// For whom a grant was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The lock.
    pub lock: String,
    /// The token of the grant.
    pub token: u64,
    /// The process that asked for it.
    pub process: u32,
    /// Its call.
    pub call: u64,
}

/// All grants, twice: as events, and with the calls that they were for.
#[derive(Debug, Default)]
pub struct Account {
    /// In the store's order, with their place in it as their time.
    pub events: Vec<Event>,
    /// In the same order.
    pub made: Vec<Made>,
    records: HashMap<String, Record>,
}

/// Reads it.
///
/// # Errors
/// The primary cannot be asked, or the oplog does not reach back to the first lock.
pub async fn read(primary: &Client, database: &str) -> Result<Account> {
    let entries = primary.database("local").collection::<Document>("oplog.rs");
    let created = doc! { "ns": format!("{database}.$cmd"), "op": "c", "o.create": COLLECTION };
    entries.find_one(created).await?.ok_or("the oplog does not reach back to the first lock")?;
    let options = FindOptions::builder().no_cursor_timeout(true).build();
    let namespace = format!("{database}.{COLLECTION}");
    let mut found =
        entries.find(doc! { "ns": namespace, "op": { "$in": ["i", "u", "d"] } }).with_options(options).await?;
    let mut account = Account::default();
    while found.advance().await? {
        account.enter(&found.deserialize_current()?);
    }
    Ok(account)
}

impl Account {
    fn enter(&mut self, entry: &Document) {
        let Ok(change) = entry.get_document("o") else { return };
        let name = change.get_str("_id").or_else(|_| entry.get_document("o2").and_then(|o2| o2.get_str("_id")));
        let Ok(name) = name.map(str::to_owned) else { return };
        if entry.get_str("op").is_ok_and(|op| op == "d") {
            self.records.remove(&name);
            return;
        }
        let before = self.records.get(&name).cloned();
        let mut after = before.clone().unwrap_or_default();
        // A change tells the fields that it sets, under `u` and `i` of `diff`; or the whole record.
        match change.get_document("diff") {
            Ok(diff) => ["u", "i"].into_iter().filter_map(|set| diff.get_document(set).ok()).for_each(|d| after.set(d)),
            Err(_) => after.set(change),
        }
        let is_grant = after.owned && before.as_ref().is_none_or(|before| before.token != after.token);
        if is_grant {
            let place = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
            let what = What::Stored {
                token: number(after.token),
                granted: number(after.granted),
                ends: number(after.ends),
                before: match before {
                    None => Before::Nothing,
                    Some(before) if !before.owned => Before::Free,
                    Some(before) => Before::Ended { at: number(before.ends) },
                },
            };
            self.made.push(Made {
                lock: name.clone(),
                token: number(after.token),
                process: after.host.trim_start_matches('w').parse().unwrap_or_default(),
                call: after.note.parse().unwrap_or(u64::MAX),
            });
            self.events.push(Event { at: place, process: 0, lock: name.clone(), what });
        }
        self.records.insert(name, after);
    }
}

impl Record {
    fn set(&mut self, fields: &Document) {
        for (field, value) in fields {
            match (field.as_str(), value) {
                ("token", Bson::Int64(token)) => self.token = *token,
                ("owner", Bson::Binary(_)) => self.owned = true,
                ("owner", Bson::Null) => self.owned = false,
                ("host", Bson::String(host)) => self.host.clone_from(host),
                ("note", Bson::String(note)) => self.note.clone_from(note),
                ("acquiredAt", Bson::DateTime(at)) => self.granted = at.timestamp_millis(),
                ("expiresAt", Bson::DateTime(at)) => self.ends = at.timestamp_millis(),
                _ => {}
            }
        }
    }
}

fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Tells grants to the next in line, which a record alone cannot tell from thefts. They stay within a process, and the
/// holder before had begun to give the lock back; or it was nobody: a grant that came too late for its call.
pub fn tell_hand_offs(events: &mut [Event], made: &[Made]) {
    let (mut told, mut given_back) = (HashSet::new(), HashSet::new());
    for event in events.iter() {
        match event.what {
            What::Granted { token, .. } => drop(told.insert((event.lock.clone(), token))),
            What::Releasing { token } => drop(given_back.insert((event.lock.clone(), token))),
            _ => {}
        }
    }
    let process: HashMap<(&str, u64), u32> =
        made.iter().map(|made| ((made.lock.as_str(), made.token), made.process)).collect();
    let mut last: HashMap<String, u64> = HashMap::new();
    for Event { lock, what, .. } in events.iter_mut() {
        let What::Stored { token, before, .. } = what else { continue };
        let Some(previous) = last.insert(lock.clone(), *token) else { continue };
        let one_process = process.get(&(lock.as_str(), previous)) == process.get(&(lock.as_str(), *token));
        let given_up = given_back.contains(&(lock.clone(), previous)) || !told.contains(&(lock.clone(), previous));
        // A lease that has ended may be handed over, too, as long as nobody has taken it.
        if matches!(before, Before::Ended { .. }) && one_process && given_up {
            *before = Before::Handed;
        }
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{Binary, DateTime, spec::BinarySubtype};

    use super::*;

    fn owner() -> Bson {
        Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![1; 16] })
    }

    #[test]
    fn grants_are_told_with_what_was_before() {
        let at = |ms| DateTime::from_millis(ms);
        let mut account = Account::default();
        let record = doc! { "_id": "a", "owner": owner(), "token": 1024_i64, "acquiredAt": at(1), "expiresAt": at(9) };
        account.enter(&doc! { "op": "i", "o": record });
        let change =
            |fields: Document| doc! { "op": "u", "o2": { "_id": "a" }, "o": { "$v": 2, "diff": { "u": fields } } };
        account.enter(&change(doc! { "expiresAt": at(12) }));
        account.enter(&change(doc! { "owner": owner(), "token": 1025_i64, "acquiredAt": at(13), "expiresAt": at(20) }));
        account.enter(&change(doc! { "owner": Bson::Null, "expiresAt": at(0) }));
        account.enter(&change(doc! { "owner": owner(), "token": 1026_i64, "acquiredAt": at(14), "expiresAt": at(30) }));
        account.enter(&doc! { "op": "d", "o": { "_id": "a" } });
        account.enter(&doc! { "op": "i", "o": { "_id": "a", "owner": owner(), "token": 7_i64 } });
        let told: Vec<_> = account.events.iter().map(|event| event.what.clone()).collect();
        let stored = |token, granted, ends, before| What::Stored { token, granted, ends, before };
        let expected = [
            stored(1024, 1, 9, Before::Nothing),
            stored(1025, 13, 20, Before::Ended { at: 12 }),
            stored(1026, 14, 30, Before::Free),
            stored(7, 0, 0, Before::Nothing),
        ];
        assert_eq!(told, expected);
    }
}
