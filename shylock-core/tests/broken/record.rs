//! A record whose fields can be anything, as in a database without a schema.

use std::time::{Duration, UNIX_EPOCH};

use shylock_core::{FencingToken, HolderId, HolderInfo, LockInfo, LockName, conformance::Defect};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    Number(i64),
    Id([u8; 16]),
    Other(&'static str),
}

impl Field {
    /// The number, or 0, as careless code would read it.
    pub(crate) fn number(&self) -> i64 {
        if let Self::Number(number) = self { *number } else { 0 }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Zero bytes: nobody.
    holder: Field,
    pub(crate) token: Field,
    /// Milliseconds since 1970; 0 when it is free.
    pub(crate) ends: Field,
    pub(crate) ttl: i64,
    info: HolderInfo,
    acquired: i64,
}

impl Record {
    pub(crate) fn new(
        holder: HolderId,
        token: FencingToken,
        ends: i64,
        ttl: i64,
        info: HolderInfo,
        acquired: i64,
    ) -> Self {
        let token = Field::Number(i64::try_from(token.get()).expect("a token"));
        Self { holder: Field::Id(*holder.as_bytes()), token, ends: Field::Number(ends), ttl, info, acquired }
    }

    pub(crate) fn holder(&self) -> [u8; 16] {
        if let Field::Id(id) = self.holder { id } else { [0; 16] }
    }

    pub(crate) fn token(&self) -> Option<FencingToken> {
        u64::try_from(self.token.number()).ok().and_then(FencingToken::stored)
    }

    pub(crate) fn is_held(&self, now: i64) -> bool {
        self.holder() != [0; 16] && self.ends.number() > now
    }

    /// A free one in the place of what is corrupt.
    pub(crate) fn repaired(&self, now: i64) -> Self {
        let stored = if let Field::Number(token) = self.token { u64::try_from(token).ok() } else { None };
        let now_ms = Duration::from_millis(u64::try_from(now).expect("after 1970"));
        let token = shylock_core::record::Record::repaired(stored, now_ms).expect("a token").token;
        let mut record = Self::new(HolderId::from_bytes([0; 16]), token, 0, 0, HolderInfo::default(), now);
        record.free();
        record
    }

    pub(crate) fn free(&mut self) {
        (self.holder, self.ends) = (Field::Id([0; 16]), Field::Number(0));
    }

    pub(crate) fn check(&self, now: i64) -> Result<(), &'static str> {
        let day_and_hour = 25 * 3_600_000;
        match (&self.holder, &self.token, &self.ends) {
            (Field::Id(_), Field::Number(1..0x1f_ffff_ffff_ffff), Field::Number(ends))
                if *ends <= now + day_and_hour =>
            {
                Ok(())
            }
            _ => Err("wrong types or impossible values"),
        }
    }

    pub(crate) fn info(&self, name: &LockName, now: i64) -> LockInfo {
        let remaining = Duration::from_millis(u64::try_from(self.ends.number() - now).unwrap_or_default());
        let HolderInfo { host, pid, note } = self.info.clone();
        LockInfo {
            name: name.clone(),
            holder: HolderId::from_bytes(self.holder()),
            token: self.token().unwrap_or(FencingToken::new(1).expect("a token")),
            host,
            pid,
            note,
            acquired: UNIX_EPOCH + Duration::from_millis(u64::try_from(self.acquired).unwrap_or_default()),
            remaining,
            takeover_in: remaining,
        }
    }

    pub(crate) fn spoilt(defect: Defect) -> Self {
        let other = Field::Other;
        let token = FencingToken::new(Defect::TOKEN).expect("a token");
        let mut record = Self::new(HolderId::from_bytes([7; 16]), token, 1, 30_000, HolderInfo::default(), 1);
        match defect {
            Defect::ExpiryIsText => record.ends = other("2020-01-01"),
            Defect::ExpiryIsNumber => record.ends = other("a number where a date belongs"),
            Defect::ExpiryIsNull | Defect::ExpiryIsMissing => record.ends = other("nothing"),
            Defect::ExpiryIsTooFar => record.ends = Field::Number(253_402_214_400_000),
            Defect::HolderIsText => record.holder = other("$token"),
            Defect::HolderIsMissing => record.holder = other("nothing"),
            Defect::TokenIsText => record.token = other("1"),
            Defect::TokenIsFraction => record.token = other("1.5"),
            Defect::TokenIsMissing => record.token = other("nothing"),
            Defect::TokenIsZero => record.token = Field::Number(0),
            Defect::TokenIsNegative => record.token = Field::Number(-5),
            Defect::TokenIsTooLarge => record.token = Field::Number(1 << 53),
            Defect::TokenIsTheLast => record.token = Field::Number((1 << 53) - 1),
            _ => (record.holder, record.token, record.ends) = (other("foreign"), other("foreign"), other("foreign")),
        }
        record
    }
}
