//! The operations of the store, each one atomic step on the server, and the bugs that they can have.

use std::time::Duration;

use shylock_core::{
    AcquireRequest, Attempt, FencingToken, Grant, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal,
};

use super::{bug::Bug, record::Record, server::Server};

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Server {
    /// Grants the lease if nobody else has it. `late`: since the request was first sent.
    pub(super) fn try_acquire(&mut self, request: &AcquireRequest, late: Duration, lag: Duration) -> Attempt {
        let now = self.now();
        if let Some(record) = self.record(&request.name).filter(|record| !record.freed) {
            let mine = record.holder == request.holder && record.is_live(now) && !self.has(Bug::RepeatIsRefused);
            if mine && !self.has(Bug::RepeatIsNew) {
                let ends = record.ends.max(now + ms(request.ttl));
                let (token, record) = (record.token, Record { ends, ..record.clone() });
                self.put(&request.name, Some(record), lag, false);
                return Attempt::Granted(grant(token));
            }
            let early = if self.has(Bug::EarlyTakeOver) { (record.ends - record.acquired) / 4 } else { 0 };
            let over = record.ends + self.grace() <= now + early && !self.has(Bug::NoTakeOver);
            if !over && !mine {
                return Attempt::Held(record.info(&request.name, now, self.grace()));
            }
        }
        Attempt::Granted(self.grant(request, late, lag, false))
    }

    /// Whether it would be granted.
    pub(super) fn is_takeable(&self, name: &LockName) -> bool {
        self.record(name).is_none_or(|record| record.freed || record.ends + self.grace() <= self.now())
    }

    /// Grants it whatever the record says.
    pub(super) fn grant(&mut self, request: &AcquireRequest, late: Duration, lag: Duration, handed: bool) -> Grant {
        let now = self.now();
        let before = self.record(&request.name).map(|record| record.token);
        let counts = matches!(self.bug, Some(Bug::TtlDeletes | Bug::ReleaseDeletes));
        let token = match before {
            Some(before) if self.has(Bug::TokenStays) || (handed && self.has(Bug::HandOffKeepsToken)) => before,
            _ if counts => before.unwrap_or_default() + 1,
            _ => FencingToken::following(before.and_then(FencingToken::new), now)
                .unwrap_or_else(|| panic!("no token follows {before:?}"))
                .get(),
        };
        let start = if self.has(Bug::LeaseFromFirstSending) { now - ms(late).min(now) } else { now };
        let record = Record {
            token,
            holder: request.holder,
            info: request.info.clone(),
            acquired: now,
            ends: start + ms(request.ttl),
            freed: false,
        };
        self.put(&request.name, Some(record), lag, handed);
        grant(token)
    }

    pub(super) fn renew(&mut self, leases: &[Renewal], lag: Duration) -> Vec<RenewOutcome> {
        leases.iter().map(|renewal| self.renew_one(renewal, lag)).collect()
    }

    fn renew_one(&mut self, Renewal { lease, ttl }: &Renewal, lag: Duration) -> RenewOutcome {
        let now = self.now();
        let Some(record) = self.record(&lease.name) else { return RenewOutcome::NotHeld };
        let keys = (record.holder, record.token) == (lease.holder, lease.token.get());
        let may = match self.bug {
            Some(Bug::RenewsByName | Bug::RenewTakesBack) => true,
            Some(Bug::RenewRevives) => keys,
            _ => record.is_of(lease) && record.is_live(now),
        };
        if !may {
            return RenewOutcome::NotHeld;
        }
        let until = now + ms(*ttl);
        let mut renewed = Record { ends: record.ends.max(until), freed: false, ..record.clone() };
        if self.has(Bug::RenewShortens) {
            renewed.ends = until - ms(*ttl) / 2;
        }
        if self.has(Bug::RenewTakesBack) {
            (renewed.holder, renewed.token) = (lease.holder, lease.token.get());
        }
        self.put(&lease.name, Some(renewed), lag, false);
        RenewOutcome::Renewed
    }

    pub(super) fn release(&mut self, lease: &LeaseKey, lag: Duration) -> ReleaseOutcome {
        let by_name = self.has(Bug::ReleasesByName);
        let may = |record: &&Record| record.is_of(lease) || (by_name && !record.freed);
        let Some(record) = self.record(&lease.name).filter(may) else { return ReleaseOutcome::NotHeld };
        let freed = Record { freed: true, ..record.clone() };
        self.put(&lease.name, (!self.has(Bug::ReleaseDeletes)).then_some(freed), lag, false);
        ReleaseOutcome::Released
    }

    pub(super) fn hand_off(&mut self, from: &LeaseKey, to: &AcquireRequest, lag: Duration) -> HandOff {
        let by_name = self.has(Bug::HandsOffByName);
        if !self.record(&from.name).is_some_and(|record| record.is_of(from) || by_name) {
            return HandOff::NotHeld;
        }
        HandOff::Granted(self.grant(to, Duration::ZERO, lag, true))
    }

    pub(super) fn inspect(&self, name: &LockName) -> Option<LockInfo> {
        let now = self.now();
        self.record(name).filter(|record| record.is_live(now)).map(|record| record.info(name, now, self.grace()))
    }

    pub(super) fn list(&self, query: &ListQuery) -> Vec<LockInfo> {
        let now = self.now();
        let wanted = |name: &LockName| {
            name.as_str().starts_with(&query.prefix) && query.after.as_ref().is_none_or(|after| name > after)
        };
        let live = self.records().iter().filter(|(name, record)| record.is_live(now) && wanted(name));
        live.take(query.limit).map(|(name, record)| record.info(name, now, self.grace())).collect()
    }
}

fn grant(token: u64) -> Grant {
    Grant { token: FencingToken::new(token).unwrap_or_else(|| panic!("{token} is no token")) }
}
