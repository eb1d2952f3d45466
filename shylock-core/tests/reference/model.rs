//! The reference: what is true of one lock, in forty lines. Times are milliseconds; `grace` is twice ε.

#[derive(Debug, Clone, Default)]
pub(crate) struct Lock {
    /// Of the last grant, 0 before the first.
    pub(crate) token: u64,
    pub(crate) holder: u8,
    /// `None`: it is free.
    pub(crate) ends: Option<u64>,
}

/// What becomes of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant { New, Same, Refused }

impl Lock {
    pub(crate) fn is_live(&self, now: u64) -> bool { self.ends.is_some_and(|ends| ends > now) }
    fn is_of(&self, (holder, token): (u8, u64)) -> bool {
        self.ends.is_some() && (self.holder, self.token) == (holder, token)
    }
    pub(crate) fn acquire(&mut self, holder: u8, ttl: u64, now: u64, grace: u64) -> Grant {
        match self.ends {
            Some(ends) if ends > now && self.holder == holder => { self.ends = Some(ends.max(now + ttl)); Grant::Same }
            Some(ends) if ends + grace > now => Grant::Refused,
            _ => { (self.holder, self.ends) = (holder, Some(now + ttl)); Grant::New }
        }
    }
    pub(crate) fn hand_off(&mut self, from: (u8, u64), holder: u8, ttl: u64, now: u64) -> Grant {
        if !self.is_of(from) { return Grant::Refused }
        (self.holder, self.ends) = (holder, Some(now + ttl)); Grant::New
    }
    pub(crate) fn renew(&mut self, lease: (u8, u64), ttl: u64, now: u64) -> bool {
        let renewed = self.is_of(lease) && self.is_live(now);
        if renewed { self.ends = self.ends.max(Some(now + ttl)) }
        renewed
    }
    pub(crate) fn release(&mut self, lease: (u8, u64)) -> bool { self.is_of(lease) && self.ends.take().is_some() }
}
