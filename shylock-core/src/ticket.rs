//! [`LockTicket`]: the right to a held lock, as data.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{FencingToken, HolderId, LeaseKey, LockName, engine::Lease};

/// The right to a lock that was detached from its guard, to be sent to where work goes on: see
/// [`AsyncLockGuard::detach`](crate::AsyncLockGuard::detach).
///
/// Whoever has it can renew and release the lock: send it over channels that you trust, log it nowhere, and resume it
/// once. `Debug` leaves the secret part out.
#[derive(Clone, PartialEq, Eq)]
pub struct LockTicket {
    shown: Arc<str>,
    key: LeaseKey,
    ttl: Duration,
}

impl LockTicket {
    pub(crate) fn new(shown: &Arc<str>, lease: &Lease) -> Self {
        let mut key = lease.key.clone();
        if lease.is_a_copy() {
            key.holder = HolderId::from_bytes([0; 16]);
        }
        Self { shown: Arc::clone(shown), key, ttl: lease.terms.ttl }
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

    pub(crate) fn into_parts(self) -> (Arc<str>, LeaseKey, Duration) {
        (self.shown, self.key, self.ttl)
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
}

impl Serialize for LockTicket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parcel = Parcel {
            lock: self.shown.to_string(),
            name: self.key.name.to_string(),
            holder: format!("{:032x}", u128::from_be_bytes(*self.key.holder.as_bytes())),
            token: self.key.token.get(),
            ttl_ms: u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX),
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
        Ok(Self { shown: Arc::from(parcel.lock), key, ttl })
    }
}

/// The holder whose id is spelled as we spell it: `from_str_radix` would also take a sign, capitals, and fewer digits.
fn holder(text: &str) -> Option<HolderId> {
    let number = u128::from_str_radix(text, 16).ok().filter(|number| format!("{number:032x}") == text)?;
    Some(HolderId::from_bytes(number.to_be_bytes()))
}
