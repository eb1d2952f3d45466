//! Which records a command is about: what the server checks before it changes or answers anything. Pure.

use mongodb::bson::{Bson, Document, doc};
use shylock_core::{HolderId, LeaseKey, Renewal, record::FARTHEST_END};

use crate::literal::{holder, id, largest_token, ms, token};

/// Somebody's lease that has not ended.
pub(crate) fn held() -> Document {
    doc! { "$and": [sound(), not_ended()] }
}

/// A record as we write it: of these types, and within these bounds. Nothing else is ever changed.
pub(crate) fn sound() -> Document {
    let is = |field: &str, bson_type: &str| doc! { "$eq": [{ "$type": field }, bson_type] };
    // Binary values are ordered by their length, then by their subtype, then by their bytes.
    let owned = doc! { "$and": [
        { "$gte": ["$owner", holder(HolderId::from_bytes([0; 16]))] },
        { "$lte": ["$owner", holder(HolderId::from_bytes([0xff; 16]))] },
    ] };
    doc! { "$and": [
        is("$token", "long"),
        { "$gte": ["$token", 1_i64] },
        { "$lt": ["$token", largest_token()] },
        is("$expiresAt", "date"),
        { "$lte": ["$expiresAt", { "$add": ["$$NOW", ms(FARTHEST_END)] }] },
        { "$cond": [is("$owner", "null"), { "$lte": ["$expiresAt", "$$NOW"] }, owned] },
    ] }
}

/// Whether the record is this lease's, ended or not.
pub(crate) fn owned_by(lease: &LeaseKey) -> Document {
    doc! { "$and": [
        { "$eq": ["$owner", holder(lease.holder)] },
        { "$eq": ["$token", token(lease.token)] },
        sound(),
    ] }
}

/// Matches the records of these leases that have not ended. The index finds them by name; the expression makes
/// sure that each has the token of its own lease, not that of another one in the list.
pub(crate) fn live_ones(leases: &[&Renewal]) -> Document {
    let names: Vec<&str> = leases.iter().map(|renewal| renewal.lease.name.as_str()).collect();
    let owners: Vec<Bson> = leases.iter().map(|renewal| id(renewal.lease.holder)).collect();
    let tokens: Vec<Bson> = leases.iter().map(|renewal| token(renewal.lease.token)).collect();
    let which = doc! { "$indexOfArray": [{ "$literal": &owners }, "$owner"] };
    doc! {
        "_id": { "$in": names },
        "owner": { "$in": &owners },
        "$expr": { "$and": [
            { "$eq": ["$token", { "$arrayElemAt": [{ "$literal": tokens }, which] }] },
            held(),
        ] },
    }
}

/// Matches the record of this lease if it has not ended.
pub(crate) fn is_live(lease: &LeaseKey) -> Document {
    doc! { "_id": lease.name.as_str(), "$expr": { "$and": [owned_by(lease), not_ended()] } }
}

/// The lease in the record has not ended.
pub(crate) fn not_ended() -> Document {
    doc! { "$gt": ["$expiresAt", "$$NOW"] }
}
