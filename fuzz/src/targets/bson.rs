//! BSON values that a record or a reply could have where another is meant.

use mongodb::bson::{
    Binary, Bson, DateTime, Decimal128, Document, JavaScriptCodeWithScope, Timestamp, doc, oid::ObjectId,
    spec::BinarySubtype,
};

use crate::input::Input;

const NUMBERS: [i64; 10] = [0, 1, -1, -5, 7, 1 << 53, (1 << 53) - 1, (1 << 53) - 2, i64::MAX, i64::MIN];
/// The server's time in what is made here, in milliseconds.
pub(super) const NOW: i64 = 1_795_000_000_000;
/// What is added to it.
const SPANS: [i64; 10] = [20_000, 0, 1, -1, -20_000, 90_000_000, 90_000_001, -NOW, i64::MAX, i64::MIN];

/// A value, or none.
pub(super) fn value(input: &mut Input<'_>) -> Option<Bson> {
    Some(match input.byte() % 18 {
        0 => return None,
        1 => Bson::Null,
        2 => input.flag().into(),
        3 => input.pick(&NUMBERS).into(),
        4 => input.number().into(),
        5 => i32::from_le_bytes(input.array()).into(),
        6 => f64::from_le_bytes(input.array()).into(),
        7 => date(NOW.saturating_add(input.pick(&SPANS))),
        8 => date(input.number()),
        9 => owner(input.pick(&[0xa1, 0xb2]), input.pick(&[16, 15, 17, 0, 12])),
        10 => Bson::Binary(Binary { subtype: BinarySubtype::from(input.byte()), bytes: input.array::<16>().to_vec() }),
        11 => input.text().into(),
        12 => input.pick(&["", "$token", "a lock", "a1a1a1a1a1a1a1a1", "\u{1b}[31m"]).into(),
        13 => input.pick(&[doc! {}, doc! { "owner": 1 }, doc! { "$literal": 1 }]).into(),
        14 => Bson::Array(vec![input.number().into()]),
        15 => Bson::Timestamp(Timestamp { time: u32::from_le_bytes(input.array()), increment: 1 }),
        16 => Bson::Decimal128(Decimal128::from_bytes(input.array())),
        _ => input.pick(&[
            Bson::Undefined,
            Bson::MinKey,
            Bson::MaxKey,
            Bson::ObjectId(ObjectId::from_bytes([7; 12])),
            Bson::Symbol("a".into()),
            Bson::JavaScriptCode("1".into()),
            Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code: "1".into(), scope: doc! {} }),
        ]),
    })
}

pub(super) fn date(ms: i64) -> Bson {
    Bson::DateTime(DateTime::from_millis(ms))
}

pub(super) fn owner(byte: u8, length: usize) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![byte; length] })
}

/// A sound record and the server's time, in which some fields are something else.
pub(super) fn found(input: &mut Input<'_>) -> Document {
    let ends = date(NOW.saturating_add(input.pick(&SPANS)));
    let owner = input.pick(&[owner(0xa1, 16), owner(0xb2, 16), Bson::Null]);
    let mut record = doc! {
        "_id": "a lock", "owner": owner, "token": 7_i64, "leaseMs": 30_000_i64, "acquiredAt": date(NOW),
        "expiresAt": ends, "purgeAt": date(NOW), "host": "here", "pid": 4711_i64, "note": Bson::Null,
    };
    let fields = ["owner", "token", "expiresAt", "acquiredAt", "host", "pid", "note", "_id"];
    alter(&mut record, &fields, input);
    let mut found = doc! { "record": record, "now": date(NOW) };
    if input.byte() % 8 == 7 {
        alter(&mut found, &["record", "now"], input);
    }
    found
}

/// Changes up to three fields.
pub(super) fn alter(document: &mut Document, fields: &[&str], input: &mut Input<'_>) {
    for _ in 0..input.byte() % 4 {
        let field = input.pick(fields);
        match value(input) {
            Some(value) => drop(document.insert(field, value)),
            None => drop(document.remove(field)),
        }
    }
}

/// The document that these bytes are, if they are one.
pub(super) fn document(bytes: &[u8]) -> Option<Document> {
    Document::from_reader(bytes).ok()
}
