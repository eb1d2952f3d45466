//! What can be wrong with a store.

macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Bug { $($(#[$doc])* $bug,)* }

        impl Bug {
            pub(crate) const ALL: [Self; [$(Self::$bug),*].len()] = [$(Self::$bug),*];
        }
    };
}

bugs! {
    /// Looks whether the lock is free, and takes it a moment later.
    ChecksThenActs,
    TellsNoPid,
    /// The record goes with the release, and the token with it.
    TokenRestartsAfterRelease,
    /// A mere counter, lost with the record.
    TokenRestartsAfterCleanUp,
    ReleasesByName,
    RenewsByName,
    HandsOffByName,
    /// The next holder gets what is left of the former one's lease.
    HandsOffTheOldLease,
    /// Says that all are renewed as soon as one is.
    AnswersTheBatchAsOne,
    /// Says that all are released as soon as one is.
    AnswersTheReleasesAsOne,
    RenewsAnExpiredLease,
    RenewalShortens,
    /// An expired lock is only free once a clean-up that runs every minute has passed.
    WaitsForTheJanitor,
    /// A tenth before its end.
    TakesEarly,
    /// The lease counts from the first time that the request was sent.
    WaitingShortensTheLease,
    ExpiresOnTheClientsClock,
    RepeatedRequestIsRefused,
    RepeatedReleaseIsReleased,
    FoldsNames,
    ListsTheFree,
    TrustsTheRecord,
    RepairForgetsTheToken,
    RepairsTheSound,
    /// A look whose answer is lost is taken for a change.
    FailsLooksUnknown,
    TellsOnlyTheFirst,
}
