//! [`LockTicket`]: the right to a held lock, as data.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{FencingToken, HolderId, LeaseKey, LockName};

/// The right to a lock that was detached from its guard, to be sent to where work goes on: see
/// [`AsyncLockGuard::detach`](crate::AsyncLockGuard::detach).
///
/// Whoever has it can renew and release the lock: send it over channels that you trust, log it nowhere, and resume it
/// once. `Debug` leaves the secret part out.
///
/// A ticket is as hard to forge as its 128-bit holder id is to guess: the store knows the id, the token and the name that
/// belong together. A checksum finds what was altered on the way; it is no signature, since whoever has a ticket has all
/// rights to its lock anyway.
#[derive(Clone, PartialEq, Eq)]
pub struct LockTicket {
    shown: Arc<str>,
    key: LeaseKey,
    ttl: Duration,
    check: u32,
}

impl LockTicket {
    pub(crate) fn new(shown: &Arc<str>, key: LeaseKey, ttl: Duration) -> Self {
        let check = checksum(shown, &key, ttl);
        Self { shown: Arc::clone(shown), key, ttl, check }
    }

    /// The lock's name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shown
    }

    /// The fencing token of the acquisition.
    #[must_use]
    pub const fn token(&self) -> FencingToken {
        self.key.token
    }

    /// Its parts, if nothing of it was altered.
    pub(crate) fn into_parts(self) -> Option<(Arc<str>, LeaseKey, Duration)> {
        let whole = self.check == checksum(&self.shown, &self.key, self.ttl);
        whole.then_some((self.shown, self.key, self.ttl))
    }
}

impl fmt::Debug for LockTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockTicket").field("key", &self.key).field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

/// A ticket in transit.
#[derive(Serialize, Deserialize)]
struct Parcel {
    lock: String,
    name: String,
    holder: String,
    token: u64,
    ttl_ms: u64,
    check: u32,
}

impl Serialize for LockTicket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parcel = Parcel {
            lock: self.shown.to_string(),
            name: self.key.name.to_string(),
            holder: format!("{:032x}", u128::from_be_bytes(*self.key.holder.as_bytes())),
            token: self.key.token.get(),
            ttl_ms: ms(self.ttl),
            check: self.check,
        };
        parcel.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LockTicket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parcel = Parcel::deserialize(deserializer)?;
        let holder = holder(&parcel.holder).ok_or_else(|| de::Error::custom("no holder id"))?;
        let token = FencingToken::new(parcel.token).ok_or_else(|| de::Error::custom("no fencing token"))?;
        let ttl = Duration::from_millis(parcel.ttl_ms);
        if !(crate::MIN_TTL..=crate::MAX_TTL).contains(&ttl) {
            return Err(de::Error::custom("the ttl is not between 1 s and 24 h"));
        }
        let name = LockName::new(&parcel.name).map_err(de::Error::custom)?;
        let key = LeaseKey { name, holder, token };
        Ok(Self { shown: Arc::from(parcel.lock), key, ttl, check: parcel.check })
    }
}

/// FNV-1a, by which any one byte that differs makes a difference.
fn checksum(shown: &str, key: &LeaseKey, ttl: Duration) -> u32 {
    let names = [shown, "\0", key.name.as_str(), "\0"].into_iter().flat_map(str::bytes);
    let numbers = [key.token.get(), ms(ttl)].into_iter().flat_map(u64::to_be_bytes);
    let bytes = names.chain(*key.holder.as_bytes()).chain(numbers);
    bytes.fold(0x811c_9dc5, |sum: u32, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn ms(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}

/// The holder whose id is spelled as we spell it: `from_str_radix` would also take a sign, capitals, and fewer digits.
fn holder(text: &str) -> Option<HolderId> {
    let number = u128::from_str_radix(text, 16).ok().filter(|number| format!("{number:032x}") == text)?;
    Some(HolderId::from_bytes(number.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_the_same_after_its_journey() {
        let name = LockName::new("space/x").expect("a name");
        let token = FencingToken::new(42).expect("a token");
        let key = LeaseKey { name, holder: HolderId::from_bytes([0xAB; 16]), token };
        for ttl in [crate::MIN_TTL, crate::MAX_TTL] {
            let ticket = LockTicket::new(&Arc::from("x"), key.clone(), ttl);
            let text = serde_json::to_string(&ticket).expect("written");
            let read: LockTicket = serde_json::from_str(&text).expect("read");
            assert_eq!((read.name(), read.token(), &read), ("x", token, &ticket));
            assert_eq!(read.into_parts(), Some((Arc::from("x"), key.clone(), ttl)));
        }
    }
}
