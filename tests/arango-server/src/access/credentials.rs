//! Who sends a request.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::error::Failure;

use super::{
    jwt,
    rights::{Caller, User},
};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The sessions of a server: all tokens that were signed with its present secret.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    generation: AtomicU64,
}

impl Sessions {
    /// Makes all tokens invalid.
    pub(crate) fn expire(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn issue(&self, user: &str, now: i64, lifetime: Duration) -> String {
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        jwt::issue(&self.secret(), user, now, now.saturating_add(lifetime))
    }

    /// The sender of a request with that `authorization`; `now` in seconds.
    pub(crate) fn caller(
        &self,
        authorization: Option<&str>,
        users: &BTreeMap<String, User>,
        now: i64,
    ) -> Result<Caller, Failure> {
        if users.is_empty() {
            return Ok(Caller::anybody());
        }
        let user = authorization.and_then(|header| {
            let (scheme, rest) = header.split_once(' ')?;
            match scheme.to_ascii_lowercase().as_str() {
                "basic" => basic(rest, users),
                "bearer" => users.get(&jwt::user(&self.secret(), rest.trim(), now)?),
                _ => None,
            }
        });
        user.map(|user| Caller { rights: user.rights.clone() }).ok_or_else(|| Failure::of(11))
    }

    fn secret(&self) -> Vec<u8> {
        format!("a secret that guards nothing, {}", self.generation.load(Ordering::SeqCst)).into_bytes()
    }
}

pub(crate) fn check_password<'a>(users: &'a BTreeMap<String, User>, name: &str, password: &str) -> Option<&'a User> {
    users.get(name).filter(|user| user.password == password)
}

fn basic<'a>(encoded: &str, users: &'a BTreeMap<String, User>) -> Option<&'a User> {
    let decoded = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    check_password(users, name, password)
}
