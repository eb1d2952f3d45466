use mongodb::bson::{Binary, spec::BinarySubtype};
use shylock_core::{FencingToken, HolderId, HolderInfo, Renewal};

use super::*;

fn queries() -> Queries {
    let hour = Duration::from_secs(60 * 60);
    Queries { collection: "locks".into(), retention: 24 * hour, skew: Duration::from_millis(250) }
}

fn name(name: &str) -> LockName {
    LockName::new(name).expect("a valid name")
}

fn lease(of: &str, byte: u8) -> LeaseKey {
    let token = FencingToken::new(u64::from(byte)).expect("a token");
    LeaseKey { name: name(of), holder: HolderId::from_bytes([byte; 16]), token }
}

fn request() -> AcquireRequest {
    let info = HolderInfo { host: Some("$owner".into()), pid: Some(4711), note: Some("$$ROOT".into()) };
    AcquireRequest { name: name("a"), holder: HolderId::from_bytes([2; 16]), ttl: Duration::from_secs(30), info }
}

fn binary(byte: u8) -> Document {
    doc! { "$literal": Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![byte; 16] }) }
}

/// A record as we write it, spelled out.
fn is_sound() -> Document {
    let is = |field: &str, kind: &str| doc! { "$eq": [{ "$type": field }, kind] };
    doc! { "$and": [
        is("$token", "long"), { "$gte": ["$token", 1_i64] }, { "$lt": ["$token", 9_007_199_254_740_991_i64] },
        is("$expiresAt", "date"), { "$lte": ["$expiresAt", { "$add": ["$$NOW", 90_000_000_i64] }] },
        { "$cond": [
            is("$owner", "null"),
            { "$lte": ["$expiresAt", "$$NOW"] },
            { "$and": [{ "$gte": ["$owner", binary(0)] }, { "$lte": ["$owner", binary(0xff)] }] },
        ] },
    ] }
}

fn is_held() -> Document {
    doc! { "$and": [is_sound(), { "$gt": ["$expiresAt", "$$NOW"] }] }
}

fn is_of(byte: u8) -> Document {
    doc! { "$and": [{ "$eq": ["$owner", binary(byte)] }, { "$eq": ["$token", i64::from(byte)] }, is_sound()] }
}

fn free() -> Document {
    doc! { "$mergeObjects": ["$$ROOT", { "owner": Bson::Null, "expiresAt": DateTime::from_millis(0) }] }
}

#[test]
fn the_record_of_a_live_lease_has_its_owner_its_token_and_time() {
    let live = doc! { "$and": [is_of(3), { "$gt": ["$expiresAt", "$$NOW"] }] };
    assert_eq!(condition::is_live(&lease("a", 3)), doc! { "_id": "a", "$expr": live });
}

/// The update of a command: what is to hold, and what the record is then.
fn decision(command: &Document) -> [Document; 2] {
    let update = command.get_array("update").expect("an update")[0].as_document().expect("a stage");
    let choice = update.get_document("$replaceWith").and_then(|with| with.get_array("$cond")).expect("a choice");
    assert_eq!(choice[2], Bson::from("$$ROOT"), "else the record stays as it is");
    [0, 1].map(|which| choice[which].as_document().expect("an expression").clone())
}

fn keys(document: &Document) -> Vec<&str> {
    document.keys().map(String::as_str).collect()
}

#[test]
fn every_write_waits_for_a_majority_and_its_journals() {
    let (queries, lease) = (queries(), lease("a", 1));
    let renewal = Renewal { lease: lease.clone(), ttl: Duration::from_secs(30) };
    for command in [
        queries.acquire(&request()),
        queries.hand_off(&lease, &request()),
        queries.renew(&[renewal]),
        queries.release(std::slice::from_ref(&lease)),
        queries.repair(&lease.name),
    ] {
        let concern = command.get_document("writeConcern").expect("a concern");
        assert_eq!(*concern, doc! { "w": "majority", "j": true, "wtimeout": 10_000_i64 }, "{command}");
    }
}

#[test]
fn an_attempt_takes_what_is_free_or_its_own() {
    let command = queries().acquire(&request());
    assert_eq!(keys(&command), ["findAndModify", "query", "update", "fields", "writeConcern", "new", "upsert"]);
    assert_eq!(command.get_str("findAndModify").ok(), Some("locks"));
    assert_eq!(command.get_document("query").ok(), Some(&doc! { "_id": "a" }));
    assert_eq!(command.get_document("fields").ok(), Some(&doc! { "_id": 0, "record": "$$ROOT", "now": "$$NOW" }));
    let mine = doc! { "$and": [{ "$eq": ["$owner", binary(2)] }, { "$gt": ["$expiresAt", "$$NOW"] }] };
    let ended = doc! { "$lte": [{ "$add": ["$expiresAt", 500_i64] }, "$$NOW"] };
    let [may, record] = decision(&command);
    let fresh = doc! { "$eq": ["$$ROOT", { "_id": "$_id" }] };
    assert_eq!(may, doc! { "$or": [fresh, { "$and": [is_sound(), { "$or": [&mine, ended] }] }] });
    let next = doc! { "$max": [{ "$add": ["$token", 1_i64] }, { "$multiply": [{ "$toLong": "$$NOW" }, 1024_i64] }] };
    assert_eq!(record.get_document("token").ok(), Some(&doc! { "$cond": [&mine, "$token", next] }));
    assert_eq!(record.get_document("acquiredAt").ok(), Some(&doc! { "$cond": [&mine, "$acquiredAt", "$$NOW"] }));
}

#[test]
fn a_lease_is_its_full_length_and_a_caller_s_values_are_literals() {
    let [_, record] = decision(&queries().acquire(&request()));
    let longer = doc! { "$cond": [{ "$eq": ["$owner", binary(2)] }, "$expiresAt", Bson::Null] };
    let ends = doc! { "$max": [{ "$add": ["$$NOW", 30_000_i64] }, longer] };
    let enough = doc! { "$add": ["$$NOW", 43_230_000_i64] };
    let purge = doc! { "$cond": [{ "$gt": ["$purgeAt", enough] }, "$purgeAt", { "$add": ["$$NOW", 86_430_000_i64] }] };
    for (field, value) in [
        ("_id", Bson::from("$_id")),
        ("owner", binary(2).into()),
        ("leaseMs", 30_000_i64.into()),
        ("expiresAt", ends.into()),
        ("purgeAt", purge.into()),
        ("host", doc! { "$literal": "$owner" }.into()),
        ("pid", doc! { "$literal": 4711_i64 }.into()),
        ("note", doc! { "$literal": "$$ROOT" }.into()),
    ] {
        assert_eq!(record.get(field), Some(&value), "{field}");
    }
}

#[test]
fn only_the_holder_passes_on_and_releases() {
    let command = queries().hand_off(&lease("a", 1), &request());
    assert_eq!(keys(&command), ["findAndModify", "query", "update", "fields", "writeConcern", "new"]);
    let [may, record] = decision(&command);
    assert_eq!((may, record.get_str("acquiredAt").ok()), (is_of(1), Some("$$NOW")));
    let release = queries().release(&[lease("a", 1), lease("b", 2)]);
    assert_eq!(release.get_bool("ordered").ok(), Some(false), "one that fails keeps no other from being released");
    let fails = doc! { "$toInt": { "$concat": ["not held: ", { "$toString": "$_id" }] } };
    let update = |name: &str, number| {
        let choice = doc! { "$replaceWith": { "$cond": [is_of(number), free(), fails.clone()] } };
        Bson::from(doc! { "q": { "_id": name }, "u": [choice], "upsert": true })
    };
    assert_eq!(release.get_array("updates").ok(), Some(&vec![update("a", 1), update("b", 2)]));
}

#[test]
fn a_repair_leaves_what_is_sound() {
    let command = queries().repair(&name("a"));
    assert!(!command.contains_key("new"), "it answers what was there");
    assert!(!command.contains_key("upsert"), "what is not there needs no repair");
    let update = command.get_array("update").expect("an update")[0].as_document().expect("a stage");
    let choice = update.get_document("$replaceWith").and_then(|with| with.get_array("$cond")).expect("a choice");
    assert_eq!(choice[..2], [is_sound().into(), Bson::from("$$ROOT")]);
    let record = choice[2].as_document().expect("a record");
    assert_eq!(
        (record.get("owner"), record.get_datetime("expiresAt").ok()),
        (Some(&Bson::Null), Some(&DateTime::from_millis(0)))
    );
}

#[test]
fn renewals_are_statements_of_a_hundred_of_one_ttl() {
    let renewal =
        |number: u8, ttl| Renewal { lease: lease(&format!("{number:03}"), number), ttl: Duration::from_secs(ttl) };
    let mut leases: Vec<Renewal> = (1..=101).map(|number| renewal(number, 30)).collect();
    leases.push(renewal(102, 60));
    let command = queries().renew(&leases);
    let updates: Vec<&Document> =
        command.get_array("updates").expect("updates").iter().filter_map(Bson::as_document).collect();
    let of = |update: &&Document| {
        update.get_document("q").and_then(|q| q.get_document("_id")).map(|id| id.get_array("$in").map(Vec::len))
    };
    assert_eq!(
        updates.iter().map(|update| of(update).expect("a filter").expect("names")).collect::<Vec<_>>(),
        [100, 1, 1]
    );
    assert_eq!((command.get_bool("ordered").ok(), updates[2].get_bool("multi").ok()), (Some(false), Some(true)));
    let set = updates[2].get_array("u").expect("a pipeline")[0].as_document().and_then(|u| u.get_document("$set").ok());
    let ends = doc! { "$max": ["$expiresAt", { "$add": ["$$NOW", 60_000_i64] }] };
    assert_eq!(set.and_then(|set| set.get_document("expiresAt").ok()), Some(&ends));
    let ids: Vec<Bson> = vec![binary(102).remove("$literal").expect("an id")];
    let which = doc! { "$indexOfArray": [{ "$literal": &ids }, "$owner"] };
    let same = doc! { "$eq": ["$token", { "$arrayElemAt": [{ "$literal": [102_i64] }, which] }] };
    let filter = doc! { "_id": { "$in": ["102"] }, "owner": { "$in": ids }, "$expr": { "$and": [same, is_held()] } };
    assert_eq!(updates[2].get_document("q").ok(), Some(&filter));
    let live = queries().live(&leases[101..]);
    assert_eq!((live.get_document("filter").ok(), live.get_i64("batchSize").ok()), (Some(&filter), Some(1)));
}

#[test]
fn looking_sees_what_a_majority_has() {
    let inspect = queries().inspect(&name("a"));
    let list = |limit| queries().list(&ListQuery { prefix: "a".into(), after: Some(name("ab")), limit });
    for command in [&inspect, &list(7)] {
        assert_eq!(command.get_document("readConcern").ok(), Some(&doc! { "level": "majority" }));
        assert_eq!(
            command.get_document("projection").ok(),
            Some(&doc! { "_id": 0, "record": "$$ROOT", "now": "$$NOW" })
        );
    }
    assert_eq!(inspect.get_document("filter").ok(), Some(&doc! { "_id": "a" }));
    let owned = doc! { "$type": "binData" };
    let filter = doc! { "_id": { "$gte": "a", "$lt": "b", "$gt": "ab" }, "owner": owned, "$expr": is_held() };
    assert_eq!(list(7).get_document("filter").ok(), Some(&filter));
    assert_eq!((list(7).get_i64("limit").ok(), list(0).get_i64("limit").ok()), (Some(7), Some(1)));
}
