//! One message of MongoDB's wire protocol: a head of 16 bytes (length, id, id of the request that it answers, kind), and
//! a body; little-endian. After <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>.

use tokio::{io::AsyncReadExt, net::tcp::OwnedReadHalf};

use crate::Result;

const HEAD: usize = 16;
/// MongoDB's own limit.
const LONGEST: usize = 48_000_000;

/// A message, whole.
#[derive(Debug, Clone)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    /// The next one; `None` where the sender has ended.
    pub(crate) async fn read(from: &mut OwnedReadHalf) -> Result<Option<Self>> {
        let mut bytes = vec![0; HEAD];
        match from.read_exact(&mut bytes).await {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            read => drop(read?),
        }
        let length = usize::try_from(number(&bytes, 0)).unwrap_or_default();
        if !(HEAD..=LONGEST).contains(&length) {
            return Err(format!("a message of {length} bytes").into());
        }
        bytes.resize(length, 0);
        from.read_exact(&mut bytes[HEAD..]).await?;
        Ok(Some(Self(bytes)))
    }

    pub(crate) fn id(&self) -> i32 {
        number(&self.0, 4)
    }

    pub(crate) fn answers(&self, request: i32) -> bool {
        number(&self.0, 8) == request
    }

    /// Whether it changes a lock.
    pub(crate) fn is_write(&self) -> bool {
        [&b"findAndModify\0"[..], b"update\0"].into_iter().any(|word| self.position(word).is_some())
    }

    pub(crate) fn position(&self, of: &[u8]) -> Option<usize> {
        self.0.windows(of.len()).position(|window| window == of)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Puts other bytes in the place of so many.
    pub(crate) fn replace(&mut self, at: usize, length: usize, by: &[u8]) {
        drop(self.0.splice(at..at + length, by.iter().copied()));
    }

    /// Makes the length that stands there smaller.
    pub(crate) fn shorten(&mut self, at: usize, by: usize) {
        let length = number(&self.0, at) - i32::try_from(by).unwrap_or_default();
        self.replace(at, 4, &length.to_le_bytes());
    }

    #[cfg(test)]
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

fn number(bytes: &[u8], at: usize) -> i32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map_or(0, i32::from_le_bytes)
}
