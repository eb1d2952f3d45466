//! Single writes that are fenced by a token.

use mongodb::{
    Collection,
    bson::{Document, doc},
    error::{ErrorKind, WriteFailure},
};
use shylock_mongo::{FencingToken, fence_filter, fenced};
use shylock_tests::Mongo;

use crate::fresh;

fn token(token: u64) -> FencingToken {
    FencingToken::new(token).expect("a token")
}

async fn data() -> (Collection<Document>, String) {
    let client = Mongo::replica_set(1).await.client().await;
    (client.database("shylock_fenced").collection("data"), fresh("fenced"))
}

/// Writes `value` under this token; whether that was accepted.
async fn set(data: &Collection<Document>, id: &str, by: u64, value: i32) -> bool {
    let (filter, update) = fenced(token(by), doc! { "_id": id }, doc! { "$set": { "value": value } });
    data.update_one(filter, update).await.expect("the server answers").matched_count == 1
}

async fn see(data: &Collection<Document>, id: &str) -> Document {
    data.find_one(doc! { "_id": id }).await.expect("read").expect("there")
}

#[tokio::test]
async fn an_older_token_is_refused() {
    let (data, id) = data().await;
    data.insert_one(doc! { "_id": &id }).await.expect("written");
    assert!(set(&data, &id, 5, 1).await, "nobody has fenced it yet");
    assert!(set(&data, &id, 5, 2).await, "the same holder again");
    assert!(!set(&data, &id, 4, 3).await, "one that was overtaken");
    assert_eq!(see(&data, &id).await, doc! { "_id": &id, "value": 2, "fence": 5_i64 });
    assert!(set(&data, &id, FencingToken::MAX, 4).await, "the next holder");
    assert!(!set(&data, &id, 5, 5).await, "who is the last one now");
    assert_eq!(see(&data, &id).await, doc! { "_id": &id, "value": 4, "fence": (1_i64 << 53) - 1 });
}

/// Null is what other programs write for nothing; what is no number is not ours to overwrite.
#[tokio::test]
async fn a_field_that_is_no_token_is_judged() {
    let (data, id) = data().await;
    data.insert_one(doc! { "_id": &id, "fence": null }).await.expect("written");
    assert!(set(&data, &id, 5, 1).await);
    data.replace_one(doc! { "_id": &id }, doc! { "fence": "mine" }).await.expect("written");
    assert!(!set(&data, &id, 5, 2).await);
    assert_eq!(see(&data, &id).await, doc! { "_id": &id, "fence": "mine" });
}

#[tokio::test]
async fn an_upsert_of_an_older_token_is_a_duplicate() {
    let (data, id) = data().await;
    let upsert = async |by, value: i32| {
        let (filter, update) = fenced(token(by), doc! { "_id": &id }, doc! { "$set": { "value": value } });
        data.update_one(filter, update).upsert(true).await
    };
    assert!(upsert(5, 1).await.expect("inserted").upserted_id.is_some());
    assert_eq!(see(&data, &id).await, doc! { "_id": &id, "value": 1, "fence": 5_i64 });
    assert_eq!(upsert(6, 2).await.expect("updated").matched_count, 1);
    let error = upsert(5, 3).await.expect_err("refused");
    let ErrorKind::Write(WriteFailure::WriteError(refusal)) = &*error.kind else { panic!("{error:?}") };
    assert_eq!(refusal.code, 11000);
    assert_eq!(see(&data, &id).await, doc! { "_id": &id, "value": 2, "fence": 6_i64 });
}

#[tokio::test]
async fn whole_documents_and_deletions_are_fenced() {
    let (data, id) = data().await;
    data.insert_one(doc! { "_id": &id, "fence": 5_i64 }).await.expect("written");
    let replace = async |by, value: i32| {
        let (filter, document) = fenced(token(by), doc! { "_id": &id }, doc! { "value": value });
        data.replace_one(filter, document).await.expect("the server answers").matched_count
    };
    assert_eq!((replace(6, 1).await, replace(5, 2).await), (1, 0));
    assert_eq!(see(&data, &id).await, doc! { "_id": &id, "value": 1, "fence": 6_i64 });
    let delete = async |by| {
        let filter = fence_filter(token(by), doc! { "_id": &id });
        data.delete_one(filter).await.expect("the server answers").deleted_count
    };
    assert_eq!((delete(5).await, delete(6).await), (0, 1));
}
