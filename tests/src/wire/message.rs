//! One message of MongoDB's wire protocol: a head of 16 bytes (length, id, id of the request that it answers, kind), and
//! a body; little-endian. After <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>.

use std::io;

use mongodb::bson::{Document, deserialize_from_slice, serialize_to_vec};
use tokio::io::{AsyncRead, AsyncReadExt};

const HEAD: usize = 16;
/// MongoDB's own limit.
const LONGEST: usize = 48_000_000;
/// The kind of all messages since MongoDB 3.6: flags, then sections, of which those of kind 0 are documents.
const OP_MSG: i32 = 2013;
/// Where the first section of such a message begins.
const SECTIONS: usize = HEAD + 4;
/// The flag of a reply that others follow.
const MORE_TO_COME: i32 = 2;

/// A message, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(Vec<u8>);

impl Message {
    /// Reads the next one; `None` where the sender has ended.
    ///
    /// # Errors
    /// The connection broke, or what comes is no message.
    pub async fn read(from: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<Option<Self>> {
        let mut bytes = vec![0; HEAD];
        match from.read_exact(&mut bytes).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => drop(read?),
        }
        let length = usize::try_from(number(&bytes, 0)).unwrap_or_default();
        if !(HEAD..=LONGEST).contains(&length) {
            return Err(io::Error::other(format!("a message of {length} bytes")));
        }
        bytes.resize(length, 0);
        from.read_exact(&mut bytes[HEAD..]).await?;
        Ok(Some(Self(bytes)))
    }

    /// Makes the reply to a request.
    ///
    /// # Panics
    /// The document cannot be written.
    #[must_use]
    pub fn reply_to(request: i32, body: &Document) -> Self {
        let mut bytes = [0, 0, request, OP_MSG, 0].map(i32::to_le_bytes).concat();
        bytes.push(0); // a section that is a document
        bytes.extend(serialize_to_vec(body).expect("a document"));
        Self(bytes).with_its_length()
    }

    /// The number of this message.
    #[must_use]
    pub fn id(&self) -> i32 {
        number(&self.0, 4)
    }

    /// The number of the request that it answers.
    #[must_use]
    pub fn answers(&self) -> i32 {
        number(&self.0, 8)
    }

    /// Whether another reply follows that nobody asks for.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        number(&self.0, HEAD) & MORE_TO_COME != 0
    }

    /// The command, or the reply, that this message carries.
    #[must_use]
    pub fn body(&self) -> Option<Document> {
        deserialize_from_slice(self.0.get(self.place()?)?).ok()
    }

    /// The same message with another body.
    ///
    /// # Panics
    /// The document cannot be written, or the message has no body.
    #[must_use]
    pub fn with_body(mut self, body: &Document) -> Self {
        let place = self.place().expect("it has a body");
        drop(self.0.splice(place, serialize_to_vec(body).expect("a document")));
        self.with_its_length()
    }

    /// The message as it is sent.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Where the body is. Drivers and servers send it first.
    fn place(&self) -> Option<std::ops::Range<usize>> {
        let is_body = number(&self.0, 12) == OP_MSG && self.0.get(SECTIONS) == Some(&0);
        let length = usize::try_from(number(&self.0, SECTIONS + 1)).ok()?;
        is_body.then_some(SECTIONS + 1..SECTIONS + 1 + length)
    }

    fn with_its_length(mut self) -> Self {
        let length = i32::try_from(self.0.len()).expect("not longer than messages are");
        self.0[..4].copy_from_slice(&length.to_le_bytes());
        self
    }
}

fn number(bytes: &[u8], at: usize) -> i32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map_or(0, i32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[tokio::test]
    async fn messages_are_read_as_they_are_written() {
        let first = Message::reply_to(7, &doc! { "ok": 1 });
        let second = first.clone().with_body(&doc! { "ok": 0, "errmsg": "no" });
        let sent = [first.bytes(), second.bytes()].concat();
        let mut from = &sent[..];
        assert_eq!(Message::read(&mut from).await.expect("read"), Some(first.clone()));
        assert_eq!(Message::read(&mut from).await.expect("read"), Some(second.clone()));
        assert_eq!(Message::read(&mut from).await.expect("read"), None);
        assert_eq!((first.answers(), first.is_followed()), (7, false));
        assert_eq!(first.body(), Some(doc! { "ok": 1 }));
        assert_eq!(second.body(), Some(doc! { "ok": 0, "errmsg": "no" }));
    }

    #[tokio::test]
    async fn what_is_no_message_is_an_error() {
        let mut sent: &[u8] = &[0xff; 32];
        Message::read(&mut sent).await.expect_err("a negative length");
        assert_eq!(Message(vec![0; HEAD]).body(), None);
    }
}
