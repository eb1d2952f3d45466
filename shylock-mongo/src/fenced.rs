//! Single writes that are fenced by a token, without a transaction. Pure.

use mongodb::bson::{Bson, Document, doc};
use shylock_core::FencingToken;

/// The field of a fenced document that holds the largest token that has written to it, as a 64-bit integer.
pub const FENCE_FIELD: &str = "fence";

/// The filter and the update of a write that a holder with a larger token has not yet overtaken: what `filter` matches is
/// written only if its field [`fence`](FENCE_FIELD) is missing, null, or not larger than `token`, and then gets it.
///
/// `update` is a document of update operators, for `update_one`, `update_many` and `find_one_and_update`, or a whole
/// document, for `replace_one` and `find_one_and_replace`.
///
/// If nothing is [matched](mongodb::results::UpdateResult::matched_count), the write was refused or there is no such
/// document. With `upsert`, name the document by a field with a unique index, such as `_id`: a refused write is then a
/// duplicate key (error 11000), since the document that it would insert is there already.
///
/// A document knows only who has *written* to it: a former holder is refused from the new one's first write on. A holder
/// that decides by what it reads should write to that first; a [transaction](crate::Fence::fence) needs no such care.
///
/// # Examples
/// ```no_run
/// # use shylock_mongo::{AsyncLockGuard, fenced, mongodb::{self, Collection, bson::{Document, doc}}};
/// # async fn example(invoices: Collection<Document>, guard: AsyncLockGuard) -> mongodb::error::Result<()> {
/// let (filter, update) = fenced(guard.token(), doc! { "_id": 42 }, doc! { "$set": { "paid": true } });
/// if invoices.update_one(filter, update).await?.matched_count == 0 {
///     println!("a later holder has written, or there is no such invoice");
/// }
/// # Ok(()) }
/// ```
#[must_use = "it writes nothing by itself"]
pub fn fenced(token: FencingToken, filter: Document, mut update: Document) -> (Document, Document) {
    let replaces = update.keys().next().is_some_and(|first| !first.starts_with('$'));
    if replaces {
        update.insert(FENCE_FIELD, number(token));
    } else if let Bson::Document(fields) = update.entry("$set").or_insert_with(|| doc! {}.into()) {
        // What else stands there is an error, as which the server refuses it.
        fields.insert(FENCE_FIELD, number(token));
    }
    (fence_filter(token, filter), update)
}

/// The filter of [`fenced`] alone, for deletions and for updates that set the field [`fence`](FENCE_FIELD) themselves.
///
/// # Examples
/// ```no_run
/// # use shylock_mongo::{AsyncLockGuard, fence_filter, mongodb::{self, Collection, bson::{Document, doc}}};
/// # async fn example(invoices: Collection<Document>, guard: AsyncLockGuard) -> mongodb::error::Result<()> {
/// invoices.delete_one(fence_filter(guard.token(), doc! { "_id": 42 })).await?;
/// # Ok(()) }
/// ```
#[must_use = "it filters nothing by itself"]
pub fn fence_filter(token: FencingToken, filter: Document) -> Document {
    let passed = doc! { "$or": [{ FENCE_FIELD: Bson::Null }, { FENCE_FIELD: { "$lte": number(token) } }] };
    doc! { "$and": [filter, passed] }
}

fn number(token: FencingToken) -> Bson {
    Bson::Int64(i64::try_from(token.get()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(token: u64) -> FencingToken {
        FencingToken::new(token).expect("a token")
    }

    #[test]
    fn an_update_is_filtered_and_marked() {
        let (filter, update) = fenced(token(7), doc! { "_id": 1 }, doc! { "$inc": { "n": 1 }, "$set": { "a": 2 } });
        let passed = doc! { "$or": [{ "fence": Bson::Null }, { "fence": { "$lte": 7_i64 } }] };
        assert_eq!(filter, doc! { "$and": [{ "_id": 1 }, passed] });
        assert_eq!(update, doc! { "$inc": { "n": 1 }, "$set": { "a": 2, "fence": 7_i64 } });
        let (_, update) = fenced(token(7), doc! {}, doc! { "$inc": { "n": 1 } });
        assert_eq!(update, doc! { "$inc": { "n": 1 }, "$set": { "fence": 7_i64 } });
        let (_, update) = fenced(token(7), doc! {}, doc! {});
        assert_eq!(update, doc! { "$set": { "fence": 7_i64 } });
    }

    #[test]
    fn a_whole_document_is_marked() {
        let (_, document) = fenced(token(FencingToken::MAX), doc! {}, doc! { "a": 2, "fence": "mine" });
        assert_eq!(document, doc! { "a": 2, "fence": (1_i64 << 53) - 1 });
    }

    /// It would be written without a mark otherwise.
    #[test]
    fn what_the_server_refuses_is_left_to_it() {
        let (_, update) = fenced(token(7), doc! {}, doc! { "$set": 1 });
        assert_eq!(update, doc! { "$set": 1 });
    }

    /// Both conditions count, also if the filter has a condition on the same field, or an `$or` of its own.
    #[test]
    fn the_filter_of_the_user_stays_whole() {
        let mine = doc! { "fence": { "$gte": 3_i64 }, "$or": [{ "a": 1 }, { "b": 1 }] };
        assert_eq!(fence_filter(token(7), mine.clone()).get_array("$and").expect("both")[0], Bson::from(mine));
    }
}
