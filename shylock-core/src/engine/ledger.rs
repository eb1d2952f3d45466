//! [`Ledger`]: the requests of one acquisition, and what became of them. Pure.

use crate::FencingToken;

/// What is known of the requests under one holder id. `M` is a reading of the client's clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ledger<M> {
    /// Nobody waits any more: grants are to be released.
    abandoned: bool,
    /// The grant that was handed out.
    granted: Option<FencingToken>,
    /// Requests that may still be carried out.
    open: u32,
    /// Those of them that are hand-offs under way.
    handed: u32,
    /// Those of them that will bring no answer.
    doubtful: u32,
    /// When the first of the open ones was sent.
    open_since: Option<M>,
    /// What may have been granted for nobody is being found out.
    withdrawing: bool,
}

/// What a grant is to the one who asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding<M> {
    /// Somebody waits for it. Its lease counts from this sending.
    Wanted(M),
    /// Nobody waits for it: it is to be released.
    Unwanted(M),
    /// It was handed out before.
    Known,
}

impl<M> Default for Ledger<M> {
    fn default() -> Self {
        Self { abandoned: false, granted: None, open: 0, handed: 0, doubtful: 0, open_since: None, withdrawing: false }
    }
}

impl<M: Copy> Ledger<M> {
    /// A request is sent now.
    pub fn sending(&mut self, now: M) {
        self.open += 1;
        self.open_since.get_or_insert(now);
    }

    /// The request that is sent is another's, who hands the lock over.
    pub const fn handing(&mut self) {
        self.handed += 1;
    }

    /// Nobody waits for that one any more.
    pub const fn handed(&mut self) {
        self.handed -= 1;
    }

    /// A request that was sent at `sent` was granted.
    pub fn granted(&mut self, sent: M, token: FencingToken) -> Finding<M> {
        // A repeated request recognised a lease that may have been granted to an earlier one.
        let sent = self.open_since.unwrap_or(sent);
        self.open = self.open.saturating_sub(1);
        if self.granted == Some(token) {
            return Finding::Known;
        }
        if self.abandoned || self.granted.is_some() {
            return Finding::Unwanted(sent);
        }
        self.granted = Some(token);
        Finding::Wanted(sent)
    }

    /// One request less that may still be granted.
    pub const fn close(&mut self) {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 {
            self.open_since = None;
        }
    }

    /// An open request will bring no answer. Says whether to withdraw: see [`abandon`](Self::abandon).
    pub const fn doubt(&mut self) -> bool {
        self.doubtful += 1;
        self.needs_withdrawal()
    }

    /// Nobody waits any more, and open requests have had no answer for as long as a call may take: one counts as if it would
    /// bring none. Says whether to withdraw.
    pub const fn overdue(&mut self) -> bool {
        self.abandoned && self.open > 0 && self.doubt()
    }

    /// Nobody waits any more. Says whether to withdraw: a request without an answer may have brought, or may yet bring,
    /// what nobody wants, and from now on somebody is taking care of it.
    ///
    /// That a lease is held under this id is no reason not to: the lock may have been broken, and a second lease be there
    /// of which its holder knows nothing. To find the one that is held does no harm.
    pub const fn abandon(&mut self) -> bool {
        self.abandoned = true;
        self.needs_withdrawal()
    }

    /// What there was to withdraw was found out, or cannot be.
    pub const fn withdrawn(&mut self) {
        self.withdrawing = false;
    }

    /// Whether a request of the waiter's own may still be granted, though another came back with a refusal.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        self.open > self.handed
    }

    /// Whether a request may still be granted.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open > 0
    }

    /// When the first of the requests was sent that may still be granted.
    #[must_use]
    pub const fn open_since(&self) -> Option<M> {
        self.open_since
    }

    const fn needs_withdrawal(&mut self) -> bool {
        let needed = self.abandoned && self.doubtful > 0 && !self.withdrawing;
        self.withdrawing |= needed;
        needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(value: u64) -> FencingToken {
        FencingToken::new(value).expect("a token")
    }

    #[test]
    fn silence_counts_once_nobody_waits_and_something_is_open() {
        let mut waited_for = ledger(&[1]);
        assert!(!waited_for.overdue(), "who waits asks again by itself");
        assert!(!waited_for.abandon() && waited_for.overdue());
        assert!(!waited_for.overdue(), "it is being found out");
        let mut answered = ledger(&[1]);
        answered.close();
        assert!(!answered.abandon() && !answered.overdue() && !answered.is_open());
        let mut granted = ledger(&[1]);
        assert!(granted.is_open());
        granted.granted(1, token(7));
        assert!(!granted.is_open());
    }

    fn ledger(sendings: &[u8]) -> Ledger<u8> {
        let mut ledger = Ledger::default();
        sendings.iter().for_each(|sent| ledger.sending(*sent));
        ledger
    }

    #[test]
    fn a_lease_counts_from_the_first_open_sending() {
        assert_eq!(ledger(&[3, 5]).granted(5, token(1)), Finding::Wanted(3));
        let mut refused = ledger(&[3]);
        refused.close();
        refused.sending(5);
        assert_eq!(refused.granted(5, token(1)), Finding::Wanted(5), "what was refused brought no lease");
        let mut half = ledger(&[3, 4]);
        half.close();
        assert_eq!(half.open_since(), Some(3), "which of the two was refused does not matter");
    }

    #[test]
    fn one_grant_is_handed_out_and_every_other_is_released() {
        let mut ledger = ledger(&[1, 2, 3]);
        assert_eq!(ledger.granted(1, token(7)), Finding::Wanted(1));
        assert_eq!(ledger.granted(2, token(7)), Finding::Known);
        assert_eq!(ledger.granted(3, token(8)), Finding::Unwanted(1));
    }

    #[test]
    fn a_grant_that_nobody_waits_for_is_released() {
        let mut ledger = ledger(&[1]);
        assert!(!ledger.abandon(), "its answer is awaited");
        assert_eq!(ledger.granted(1, token(7)), Finding::Unwanted(1));
    }

    #[test]
    fn what_is_unknown_is_withdrawn_once_and_by_one() {
        let mut early = ledger(&[1, 2, 3]);
        assert!(!early.doubt(), "somebody waits, and asks again");
        assert!(early.abandon());
        assert!(!early.doubt(), "that is under way");
        early.withdrawn();
        assert!(early.doubt(), "this one came later");
        let mut late = ledger(&[1]);
        assert!(!late.abandon());
        assert!(late.doubt());
    }

    #[test]
    fn what_is_unknown_is_withdrawn_though_a_lease_is_held() {
        let mut ledger = ledger(&[1, 2]);
        assert_eq!(ledger.granted(1, token(7)), Finding::Wanted(1));
        assert!(!ledger.abandon() && ledger.doubt());
        assert_eq!(ledger.granted(9, token(7)), Finding::Known, "the one that is held does no harm");
        assert_eq!(ledger.granted(9, token(8)), Finding::Unwanted(1));
    }

    #[test]
    fn only_requests_of_its_own_leave_a_waiter_in_doubt() {
        let mut ledger = ledger(&[1, 2]);
        ledger.handing();
        ledger.close();
        assert!(!ledger.is_doubtful(), "the hand-off is known to whoever hands over");
        ledger.handed();
        assert!(ledger.is_doubtful());
    }
}
