//! What an error code of the server says about the request that got it. Pure.
//!
//! The codes and their categories are those of MongoDB's published list, `src/mongo/base/error_codes.yml`.

use std::time::Duration;

/// What is known of a request that got an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing was done; the same request may succeed later.
    NotApplied,
    /// Nothing was done, and the server asks for a pause.
    Overloaded,
    /// It may have been carried out, or may still be.
    Ambiguous,
    /// Nothing was done, and nothing will be until somebody mends something.
    Permanent,
}

/// The meaning of a code. A code that is in none of these lists may pass, and nobody knows what was done: most codes of
/// the list say that a server was interrupted, lost a connection, is no longer the primary, or has stale routing data.
pub(crate) const fn meaning(code: i32) -> Meaning {
    if is_overload(code) {
        Meaning::Overloaded
    } else if is_before_the_write(code) {
        Meaning::NotApplied
    } else if is_refusal(code) {
        Meaning::Permanent
    } else {
        Meaning::Ambiguous
    }
}

/// The server sheds load.
const fn is_overload(code: i32) -> bool {
    // ResourceExhausted, AdmissionQueueOverflow, RateLimitExceeded, PooledConnectionAcquisitionRejected,
    // IngressRequestRateLimitExceeded; RequestRateTooLarge (Cosmos DB)
    matches!(code, 402 | 433 | 449 | 450 | 462 | 16500)
}

/// The server gave up before it wrote anything.
const fn is_before_the_write(code: i32) -> bool {
    match code {
        // LockTimeout, LockBusy, NamespaceExists (of two who make the collection), LockFailed, WriteConflict,
        // ConflictingOperationInProgress, DatabaseDropPending, ObjectIsBusy, TemporarilyUnavailable, UserWritesBlocked,
        // DuplicateKey (of two first attempts at once), BackgroundOperationInProgress (for a database, a collection)
        24 | 46 | 48 | 107 | 112 | 117 | 215 | 314 | 365 | 371 | 11000 | 12586 | 12587
        // NotYetInitialized, FailedToSatisfyReadPreference (of a router whose shard has no primary),
        // ReadConcernMajorityNotAvailableYet, NoConfigPrimary, ElectionInProgress, LegacyNotPrimary, NotWritablePrimary,
        // NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary
        | 94 | 133 | 134 | 149 | 216 | 10058 | 10107 | 13435 | 13436 => true,
        _ => false,
    }
}

/// The same request will be refused again.
const fn is_refusal(code: i32) -> bool {
    match code {
        // Rights and authentication: UserNotFound, Unauthorized, AuthenticationFailed, RoleNotFound, PrivilegeNotFound,
        // AuthSchemaIncompatible, AuthenticationRestrictionUnmet, MechanismUnavailable, InvalidJWT
        11 | 13 | 18 | 31 | 33 | 69 | 214 | 334 | 392
        // Values: BadValue, NoSuchKey, FailedToParse, CannotMutateObject, UnsupportedFormat, TypeMismatch, Overflow,
        // InvalidLength, ProtocolError, InvalidBSON, PathNotViable, InvalidPath, ConflictingUpdateOperators,
        // DollarPrefixedFieldName, InvalidIdField, NotSingleValueField, EmptyFieldName, DottedFieldName,
        // ShardKeyNotFound, ImmutableField, InvalidNamespace, DurationOverflow, InvalidPipelineOperator,
        // ConversionFailure, InvalidBSONType, NonConformantBSON, BSONObjectTooLarge, DatabaseDifferCase; IDL parse
        // errors
        | 2 | 4 | 9 | 10 | 12 | 14 | 15 | 16 | 17 | 22 | 28 | 30 | 40 | 52 | 53 | 54 | 56 | 57 | 61 | 66 | 73 | 159 | 168
        | 241 | 357 | 378 | 10334 | 13297 | 40413..=40415 | 4662500
        // Options and documents: CannotCreateIndex, InvalidOptions, UnknownReplWriteConcern, IndexOptionsConflict,
        // IndexKeySpecsConflict, UnsatisfiableWriteConcern, DocTooLargeForCapped, DocumentValidationFailure,
        // InvalidSSLConfiguration, InvalidViewDefinition, InvalidIndexSpecificationOption,
        // CannotGrowDocumentInCappedNamespace
        | 67 | 72 | 79 | 85 | 86 | 100 | 116 | 121 | 140 | 182 | 197 | 10003
        // What the server does not have: IllegalOperation, CommandNotFound, NoReplicationEnabled, OutdatedClient,
        // CommandNotSupported, NotAReplicaSet, ReadConcernMajorityNotEnabled, CommandNotSupportedOnView,
        // OptionNotSupportedOnView, IncompatibleServerVersion, QueryFeatureNotAllowed, InternalErrorNotSupported,
        // NotImplemented, CannotCreateCollection, OperationNotSupportedInTransaction, APIVersionError, APIStrictError,
        // APIDeprecationError, APIMismatchError, UnsupportedOpQueryCommand, LoadBalancerSupportMismatch,
        // ChangeStreamNotEnabled, QueryRejectedBySettings
        | 20 | 59 | 76 | 101 | 115 | 123 | 148 | 166 | 167 | 188 | 224 | 235 | 238 | 242 | 263 | 322..=324 | 347 | 352
        | 354 | 376 | 411
        // Not in the list, but known: a type that an expression does not take, an undefined variable, a stage that does
        // not exist, change streams without a replica set
        | 16554 | 17276 | 40324 | 40573
        // OutOfDiskSpace
        | 14031 => true,
        _ => false,
    }
}

/// The code under which Atlas's proxies report whatever they refuse.
pub(crate) const ATLAS: i32 = 8000;

/// Whether an error says that a right is missing.
pub(crate) fn is_missing_right(code: i32, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    code == 13 || code == ATLAS && ["not allowed", "not authorized", "unauthorized"].iter().any(|m| message.contains(m))
}

/// The meaning of a code that stands beside this message.
pub(crate) fn meaning_of(code: i32, message: &str) -> Meaning {
    let refused = || {
        let message = message.to_ascii_lowercase();
        is_missing_right(code, &message) || ["bad auth", "space quota"].iter().any(|m| message.contains(m))
    };
    if code == ATLAS && refused() { Meaning::Permanent } else { meaning(code) }
}

/// The longest pause that a server is granted: more would be a mistake of ours in reading it.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause where the server names none.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);

/// The pause that the server asks for: by `baseBackoffMS`, or by `RetryAfterMs=24` in the message of Cosmos DB.
pub(crate) fn pause(backoff: Option<Duration>, message: &str) -> Duration {
    let number = message.split_once("RetryAfterMs=").map(|(_, rest)| rest);
    let digits = number.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    let asked = digits.and_then(|digits| digits.parse().ok()).map(Duration::from_millis);
    backoff.or(asked).unwrap_or(PAUSE).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(meaning: Meaning, codes: &[i32]) {
        for code in codes {
            assert_eq!(super::meaning(*code), meaning, "{code}");
        }
    }

    #[test]
    fn overloaded_servers_ask_for_a_pause() {
        all(Meaning::Overloaded, &[402, 433, 449, 450, 462, 16500]);
    }

    /// Every member of the categories of the published list that say that an error passes.
    #[test]
    fn categories_that_pass_are_never_permanent() {
        let network = [6, 7, 89, 317, 384, 9001];
        let not_primary = [189, 10107, 11602, 13435, 13436, 10058];
        let shutdown = [91, 333, 11600];
        let interruption = [24, 50, 237, 262, 279, 281, 282, 290, 355, 453, 11601, 11602, 46841, 91331, 10_045_600];
        let stale = [63, 149, 150, 249, 250, 9996, 13388];
        let retriable = [134, 358, 402, 406, 407, 412, 462, 50915];
        let exceeded = [50, 202, 262, 290, 407];
        let cancelled = [90, 310, 312, 355];
        let snapshot = [239, 246, 250, 272];
        let closed = [303, 372, 398];
        let cursor = [43, 96, 175, 237, 314];
        for categories in [
            &network[..],
            &not_primary,
            &shutdown,
            &interruption,
            &stale,
            &retriable,
            &exceeded,
            &cancelled,
            &snapshot,
            &closed,
            &cursor,
        ] {
            for code in categories {
                assert_ne!(meaning(*code), Meaning::Permanent, "{code}");
            }
        }
    }

    #[test]
    fn an_interrupted_write_may_have_happened() {
        all(Meaning::Ambiguous, &[6, 7, 50, 64, 89, 91, 189, 202, 262, 9001, 11600, 11601, 11602, 175, 96, 211]);
        all(Meaning::NotApplied, &[24, 46, 94, 112, 117, 133, 134, 216, 365, 10107, 11000, 13435, 13436]);
    }

    #[test]
    fn refusals_are_permanent() {
        all(Meaning::Permanent, &[2, 9, 13, 14, 18, 59, 72, 85, 86, 115, 121, 148, 224, 238, 323, 17276, 40324, 40573]);
    }

    #[test]
    fn what_no_list_has_may_pass_and_is_unknown() {
        all(Meaning::Ambiguous, &[0, -1, 1, 8, 125, 9_999_999, 7_654_321, i32::MAX, i32::MIN]);
    }

    #[test]
    fn the_wish_of_a_rate_limit_is_read() {
        let message = |ms: &str| format!("Error=16500, RetryAfterMs={ms}, Details='Response status code 429'");
        assert_eq!(pause(None, &message("24")), Duration::from_millis(24));
        assert_eq!(pause(None, &message("")), PAUSE);
        assert_eq!(pause(None, "nothing of the kind"), PAUSE);
        assert_eq!(pause(None, &message("99999999999999999999999")), PAUSE);
        assert_eq!(pause(None, &message("86400000")), LONGEST_PAUSE);
        assert_eq!(pause(Some(Duration::from_millis(7)), ""), Duration::from_millis(7));
    }

    #[test]
    fn atlas_says_by_its_text_what_it_refuses() {
        for denied in [
            "user is not allowed to do action [find] on [test.locks]",
            "CMD_NOT_ALLOWED: listCollections: not allowed",
            "not authorized on admin to execute command",
            "Unauthorized",
        ] {
            assert!(is_missing_right(8000, denied), "{denied}");
            assert_eq!(meaning_of(8000, denied), Meaning::Permanent, "{denied}");
        }
        assert_eq!(meaning_of(8000, "bad auth : Authentication failed."), Meaning::Permanent);
        assert_eq!(meaning_of(8000, "you are over your space quota, using 513 MB of 512 MB"), Meaning::Permanent);
        assert_eq!(meaning_of(8000, "Operation terminated, please retry"), Meaning::Ambiguous);
        assert!(is_missing_right(13, "anything") && !is_missing_right(18, "not allowed"));
    }
}
