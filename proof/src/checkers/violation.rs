//! What a checker found.

use std::fmt;

/// The checkers, with the names that they have in the plan of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checker {
    /// CK-T: tokens are distinct, and grow in real time.
    Tokens,
    /// CK-F: the resource accepts nothing that is stale.
    Fencing,
    /// CK-B: no two holders believe in their leases at one time.
    Beliefs,
    /// CK-S: the store grants nothing that is another's.
    Store,
    /// CK-G: no grant is lost.
    Grants,
    /// CK-L: who waits gets an answer.
    Liveness,
    /// CK-D: no guard outlives its deadline, and each loss is told.
    Deadlines,
    /// CK-O: a call ends once, and means what it says.
    Outcomes,
    /// CK-R: nothing stays behind.
    Resources,
    /// CK-P: nothing panics, and nothing tells a secret.
    Panics,
    /// CK-C: no call takes longer than its time.
    Bounds,
}

impl Checker {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Tokens,
        Self::Fencing,
        Self::Beliefs,
        Self::Store,
        Self::Grants,
        Self::Liveness,
        Self::Deadlines,
        Self::Outcomes,
        Self::Resources,
        Self::Panics,
        Self::Bounds,
    ];
}

impl fmt::Display for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokens => "CK-T",
            Self::Fencing => "CK-F",
            Self::Beliefs => "CK-B",
            Self::Store => "CK-S",
            Self::Grants => "CK-G",
            Self::Liveness => "CK-L",
            Self::Deadlines => "CK-D",
            Self::Outcomes => "CK-O",
            Self::Resources => "CK-R",
            Self::Panics => "CK-P",
            Self::Bounds => "CK-C",
        })
    }
}

/// Names each breach, with its checker and what it says, in one place.
macro_rules! breaches {
    ($($breach:ident of $checker:ident: $says:literal,)*) => {
        /// What must not be in a history.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Breach {
            $(#[doc = $says] $breach,)*
        }

        impl Breach {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$breach,)*];

            /// The checker that finds it.
            #[must_use]
            pub const fn checker(self) -> Checker {
                match self {
                    $(Self::$breach => Checker::$checker,)*
                }
            }
        }

        impl fmt::Display for Breach {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$breach => $says,)*
                })
            }
        }
    };
}

breaches! {
    TokenTwice of Tokens: "two grants have one token",
    TokenFell of Tokens: "a grant that was asked for after another was made has no larger token",
    TokenImpossible of Tokens: "a token that cannot be",
    AcceptedFell of Fencing: "the resource accepted a token after a larger one",
    AcceptedStale of Fencing: "a write was accepted that was sent after a larger token was acknowledged",
    OrderTwice of Fencing: "two accepted writes have one place in the resource's order",
    NeverSent of Fencing: "the resource answered a write that was not sent, or not with this token",
    WriteEndedTwice of Fencing: "the resource answered one write twice",
    BeliefsOverlap of Beliefs: "two holders believed in their leases at one time",
    StoredTokenFell of Store: "the store's tokens do not grow",
    TokenRule of Store: "a token is not the larger of the last one's follower and the clock's",
    TakenEarly of Store: "a lease was taken over before its end and the grace",
    Shortened of Store: "a lease ended before the end that it was granted with",
    Vanished of Store: "a record vanished, and with it its token",
    EmptyLease of Store: "a lease ended before it began",
    Unexplained of Grants: "the store granted what nobody can have asked for",
    NotStored of Grants: "a grant is not in the store's account",
    LeftHeld of Grants: "a lock stayed held though its holder was gone",
    Unanswered of Liveness: "a call got no answer",
    AnsweredLate of Liveness: "a call got its answer too late",
    Overtaken of Liveness: "a call was overtaken too often",
    OvertakenLocally of Liveness: "a call was overtaken too often by those of its own process",
    NothingLeft of Deadlines: "a guard said that it holds, with no time left",
    HeldAgain of Deadlines: "a guard said that it holds after it was lost",
    PastDeadline of Deadlines: "a guard said that it holds after its deadline",
    LeftTooLong of Deadlines: "a guard had more time left than a lease has",
    LossLate of Deadlines: "a loss was told too late",
    LossUntold of Deadlines: "a loss was not told",
    NotWanted of Outcomes: "a call ended that had not begun",
    WantedTwice of Outcomes: "a call began twice",
    EndedTwice of Outcomes: "a call ended twice",
    NeverEnded of Outcomes: "a call did not end",
    UsedUngranted of Outcomes: "a process used a token that it was not granted",
    ReleasedTwice of Outcomes: "one grant was released twice",
    ReleasedUnasked of Outcomes: "a release was answered that had not begun",
    ReleasedInVain of Outcomes: "a release was acknowledged, but the store had the lease go to its end",
    TasksLeft of Resources: "tasks stayed behind",
    ConnectionsLeft of Resources: "connections stayed behind",
    FilesLeft of Resources: "open files stayed behind",
    MemoryLeft of Resources: "memory stayed behind",
    Panic of Panics: "a process panicked",
    SecretTold of Panics: "a text shows a secret",
    TookTooLong of Bounds: "a call of the library's took longer than its time",
    WaitedTooLong of Bounds: "a call to acquire took longer than its limit",
}

/// One breach, and where it is in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What must not be.
    pub breach: Breach,
    /// The lock; empty where it is about none.
    pub lock: String,
    /// The process that saw it; 0 where none did.
    pub process: u32,
    /// The tokens that it is about.
    pub tokens: Vec<u64>,
    /// The times that it is about, in nanoseconds; the store's own are in milliseconds.
    pub times: Vec<u64>,
}

impl Violation {
    pub(crate) fn new(breach: Breach, lock: &str, process: u32, tokens: &[u64], times: &[u64]) -> Self {
        Self { breach, lock: lock.to_owned(), process, tokens: tokens.to_vec(), times: times.to_vec() }
    }

    /// The checker that found it.
    #[must_use]
    pub const fn checker(&self) -> Checker {
        self.breach.checker()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { breach, lock, process, tokens, times } = self;
        write!(f, "{} {breach}: lock {lock:?}, process {process}, tokens {tokens:?}, times {times:?}", self.checker())
    }
}
