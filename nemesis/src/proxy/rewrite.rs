//! A library that takes one server's word for a majority's, made on the wire: `w: "majority", j: true` becomes `w: 1,
//! j: false`, which is nine bytes shorter, and so are all lengths around it.

use super::message::Message;

/// Type, name, length of the text with its end, text.
const MAJORITY: &[u8] = b"\x02w\0\x09\0\0\0majority\0";
const ONE: &[u8] = b"\x10w\0\x01\0\0\0";
const JOURNALED: &[u8] = b"\x08j\0\x01";
const NOT_JOURNALED: &[u8] = b"\x08j\0\0";
const WRITE_CONCERN: &[u8] = b"\x03writeConcern\0";
/// Of a message: its length, and after head, flags and kind that of its document.
const LENGTHS: [usize; 2] = [0, 21];

/// Changes the write concern, if it is there.
pub(crate) fn one_server(message: &mut Message) {
    let (Some(concern), Some(majority)) = (message.position(WRITE_CONCERN), message.position(MAJORITY)) else { return };
    for at in LENGTHS.into_iter().chain([concern + WRITE_CONCERN.len()]) {
        message.shorten(at, MAJORITY.len() - ONE.len());
    }
    message.replace(majority, MAJORITY.len(), ONE);
    if let Some(journaled) = message.position(JOURNALED) {
        message.replace(journaled, JOURNALED.len(), NOT_JOURNALED);
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{Document, doc, serialize_to_vec};

    use super::*;

    fn message(body: &Document) -> Message {
        let body = serialize_to_vec(body).expect("BSON");
        let mut bytes = i32::try_from(21 + body.len()).expect("short").to_le_bytes().to_vec();
        bytes.extend([7, 0, 0, 0, 0, 0, 0, 0, 0xDD, 7, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(body);
        Message::of(bytes)
    }

    #[test]
    fn a_majority_becomes_one_and_the_rest_stays() {
        let command = |concern: Document| {
            doc! { "findAndModify": "locks", "query": { "_id": "w" }, "writeConcern": concern, "$db": "x" }
        };
        let mut changed = message(&command(doc! { "w": "majority", "j": true, "wtimeout": 10_000_i64 }));
        one_server(&mut changed);
        let expected = message(&command(doc! { "w": 1, "j": false, "wtimeout": 10_000_i64 }));
        assert_eq!(changed.bytes(), expected.bytes());
    }

    #[test]
    fn other_messages_pass_as_they_are() {
        let hello = message(&doc! { "hello": 1, "$db": "admin" });
        let mut passed = hello.clone();
        one_server(&mut passed);
        assert_eq!(passed.bytes(), hello.bytes());
    }
}
