//! The four writes of the backend, each with what comes before it, and what must hold after a fault in it.

use std::fmt;

use shylock_arango::ArangoBackend;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, Failure, FencingToken, HandOff, LeaseKey, ReleaseOutcome,
    RenewOutcome, Renewal,
};

use super::{
    audit::{self, Verdict, Version},
    lab::{Lab, TTL, fresh_name, owner, wish},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Of a name that has no record yet.
    Take,
    /// Of a lock that was released.
    Retake,
    Renew,
    Release,
    HandOff,
}

/// An operation about to happen.
pub(crate) struct Case {
    pub(crate) operation: Operation,
    /// What is to be granted: by a take, by a hand-off, or before the rest.
    pub(crate) wish: AcquireRequest,
    /// The lease to be renewed, released or handed on.
    lease: Option<LeaseKey>,
    /// How many versions there are before it.
    versions: usize,
}

/// What the backend says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Granted,
    Held,
    Renewed,
    Released,
    NotHeld,
    NotApplied,
    Ambiguous,
    Permanent,
    Corrupt,
}

pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    pub(crate) token: Option<FencingToken>,
    /// Whether the store asks to be left alone for a while.
    pub(crate) has_respite: bool,
    detail: String,
}

impl Operation {
    pub(crate) const ALL: [Self; 5] = [Self::Take, Self::Retake, Self::Renew, Self::Release, Self::HandOff];

    /// Something that only the query of this operation has in its text.
    pub(crate) const fn marker(self) -> &'static str {
        match self {
            Self::Take | Self::Retake => "UPSERT",
            Self::Renew => "want.ttl",
            Self::Release => "WITH { owner: \"\"",
            Self::HandOff => "l.owner == @from",
        }
    }

    /// What it says where nothing is in its way.
    pub(crate) const fn success(self) -> Kind {
        match self {
            Self::Take | Self::Retake | Self::HandOff => Kind::Granted,
            Self::Renew => Kind::Renewed,
            Self::Release => Kind::Released,
        }
    }

    /// What it says when it has been carried out before.
    pub(crate) const fn repeated(self) -> Kind {
        match self {
            Self::Release | Self::HandOff => Kind::NotHeld,
            _ => self.success(),
        }
    }

    /// Brings a lock of its own into the state in which it makes sense.
    pub(crate) async fn prepare(self, lab: &Lab) -> Case {
        let name = fresh_name();
        let mut lease = None;
        if self != Self::Take {
            let first = wish(&name, TTL);
            let granted = Outcome::of_attempt(lab.backend.try_acquire(&first).await);
            let token = granted.token.unwrap_or_else(|| panic!("prepared: {granted:?}"));
            lease = Some(LeaseKey { name: name.clone(), holder: first.holder, token });
        }
        if self == Self::Retake
            && let Some(lease) = lease.take()
        {
            assert_eq!(
                lab.backend.release(std::slice::from_ref(&lease)).await.expect("prepared"),
                [ReleaseOutcome::Released]
            );
        }
        let versions = lab.history(&name).len();
        Case { operation: self, wish: wish(&name, TTL), lease, versions }
    }
}

impl Case {
    pub(crate) async fn run(&self, backend: &ArangoBackend) -> Outcome {
        let lease = || self.lease.as_ref().expect("prepared");
        match self.operation {
            Operation::Take | Operation::Retake => Outcome::of_attempt(backend.try_acquire(&self.wish).await),
            Operation::Renew => {
                let renewals = [Renewal { lease: lease().clone(), ttl: TTL * 2 }];
                Outcome::of(backend.renew(&renewals).await, |outcomes| match outcomes[..] {
                    [RenewOutcome::Renewed] => (Kind::Renewed, None),
                    _ => (Kind::NotHeld, None),
                })
            }
            Operation::Release => {
                Outcome::of(backend.release(&[lease().clone()]).await, |outcomes| match outcomes[..] {
                    [ReleaseOutcome::Released] => (Kind::Released, None),
                    _ => (Kind::NotHeld, None),
                })
            }
            Operation::HandOff => Outcome::of(backend.hand_off(lease(), &self.wish).await, |outcome| match outcome {
                HandOff::Granted(grant) => (Kind::Granted, Some(grant.token)),
                HandOff::NotHeld => (Kind::NotHeld, None),
            }),
        }
    }

    /// Releases what it was granted.
    pub(crate) async fn release(&self, backend: &ArangoBackend, token: FencingToken) {
        let lease = LeaseKey { name: self.wish.name.clone(), holder: self.wish.holder, token };
        assert_eq!(backend.release(std::slice::from_ref(&lease)).await.expect("answered"), [ReleaseOutcome::Released]);
    }

    /// Whether anything was committed since it was prepared, and no crash has undone it.
    pub(crate) fn is_applied(&self, lab: &Lab) -> bool {
        lab.history(&self.wish.name).iter().skip(self.versions).any(|entry| !entry.lost)
    }

    /// A success was one, and a refusal changed nothing. Where nobody knows, both may be.
    pub(crate) fn check_answer(&self, lab: &Lab, outcome: &Outcome) -> Verdict {
        let applied = self.is_applied(lab);
        match outcome.kind {
            Kind::Granted | Kind::Renewed | Kind::Released if !applied => Err(format!("{outcome:?} of nothing")),
            Kind::Held | Kind::NotHeld | Kind::NotApplied | Kind::Permanent | Kind::Corrupt if applied => {
                Err(format!("{outcome:?}, but it was done"))
            }
            _ => self.check_token(lab, outcome),
        }
    }

    /// The same request again, without a fault: it is carried out now, or recognises that it was. Then the log is
    /// judged.
    pub(crate) async fn check_repetition(&self, lab: &Lab) -> Verdict {
        let applied = self.is_applied(lab);
        lab.next_millisecond().await;
        let again = self.run(&lab.backend).await;
        let expected = if applied { self.operation.repeated() } else { self.operation.success() };
        if again.kind != expected {
            return Err(format!("repeated: {again:?}, not {expected:?}"));
        }
        self.check_token(lab, &again)?;
        if self.operation == Operation::HandOff {
            lab.next_millisecond().await;
            let recognised = Outcome::of_attempt(lab.backend.try_acquire(&self.wish).await);
            if recognised.kind != Kind::Granted {
                return Err(format!("a hand-off is not recognised: {recognised:?}"));
            }
            self.check_token(lab, &recognised)?;
        }
        let grants = audit::grants(&lab.history(&self.wish.name))?;
        let mine = grants.iter().filter(|grant| grant.owner == owner(self.wish.holder)).count();
        if mine > 1 { Err(format!("granted {mine} times under one id")) } else { Ok(()) }
    }

    /// Whether this is the hand-off that the case is about.
    pub(crate) fn handed_on(&self, before: &Version, after: &Version) -> bool {
        let from = self.lease.as_ref().filter(|_| self.operation == Operation::HandOff);
        from.is_some_and(|from| (before.owner == owner(from.holder)) && after.owner == owner(self.wish.holder))
    }

    /// The token that is told is the one that is stored, under the id that it was granted to.
    fn check_token(&self, lab: &Lab, outcome: &Outcome) -> Verdict {
        let Some(token) = outcome.token else { return Ok(()) };
        let stored = audit::versions(&lab.history(&self.wish.name))?.pop();
        let stored = stored.map(|version| (version.owner, version.token));
        let told = Some((owner(self.wish.holder), token.get()));
        if stored == told { Ok(()) } else { Err(format!("{told:?} is told, {stored:?} is stored")) }
    }
}

impl Outcome {
    fn of_attempt(answer: Result<Attempt, BackendError>) -> Self {
        Self::of(answer, |attempt| match attempt {
            Attempt::Granted(grant) => (Kind::Granted, Some(grant.token)),
            Attempt::Held(_) => (Kind::Held, None),
        })
    }

    fn of<T>(answer: Result<T, BackendError>, read: impl FnOnce(T) -> (Kind, Option<FencingToken>)) -> Self {
        match answer {
            Ok(answer) => {
                let (kind, token) = read(answer);
                Self { kind, token, has_respite: false, detail: String::new() }
            }
            Err(error) => {
                let kind = match error.failure() {
                    Failure::NotApplied => Kind::NotApplied,
                    Failure::Ambiguous => Kind::Ambiguous,
                    Failure::Corrupt { .. } => Kind::Corrupt,
                    _ => Kind::Permanent,
                };
                Self { kind, token: None, has_respite: error.retry_after().is_some(), detail: format!("{error:?}") }
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {}", self.kind, self.token, self.detail)
    }
}
