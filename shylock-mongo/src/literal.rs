//! Values of ours as the server is sent them. What a caller gives never becomes an expression.

use std::time::Duration;

use mongodb::bson::{Binary, Bson, Document, bson, doc, spec::BinarySubtype};
use shylock_core::{FencingToken, HolderId};

pub(crate) fn holder(holder: HolderId) -> Document {
    doc! { "$literal": id(holder) }
}

pub(crate) fn id(holder: HolderId) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: holder.as_bytes().to_vec() })
}

pub(crate) fn token(token: FencingToken) -> Bson {
    bson!(i64::try_from(token.get()).unwrap_or(i64::MAX))
}

pub(crate) fn largest_token() -> Bson {
    bson!(i64::try_from(FencingToken::MAX).unwrap_or(i64::MAX))
}

pub(crate) fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
