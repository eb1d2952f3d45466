//! P13 and P15: hostile names and notes are data, and foreign records are never trusted.

use super::{
    Defect,
    lab::{LONG, Lab, acquire, fresh_name, holder, refused, release, request},
};
use crate::{AcquireRequest, Failure, HolderId, HolderInfo, LeaseKey, LockName, Renewal};

/// Texts that mean something to a database, to a file system, or to a terminal.
const HOSTILE: [&str; 18] = [
    "$",
    "$x",
    "$$ROOT",
    "$$NOW",
    "$owner",
    "a.b",
    "..",
    "/",
    "{\"$gt\":\"\"}",
    "' OR 1==1",
    "@key",
    "`",
    "%00",
    "+",
    "\u{202e}rtl",
    "é",
    "e\u{301}",
    "É",
];

/// Each such text is a lock of its own under exactly that name, and a note that comes back as it was.
pub async fn hostile_names_and_notes_are_data(lab: Lab) {
    let run = fresh_name("hostile");
    let longest = "x".repeat(LockName::MAX_BYTES - run.as_str().len() - 1);
    let mut leases: Vec<(LeaseKey, String)> = Vec::new();
    for text in HOSTILE.into_iter().chain([longest.as_str(), " ", "  "]) {
        // In front, where an operator would stand; the rest makes it unique.
        let name = LockName::new(format!("{text}{run}")).expect("a valid name");
        let note = format!("{text}\n\u{1b}[31m\0 ");
        let info = HolderInfo { host: Some(text.into()), pid: None, note: Some(note.clone()) };
        leases.push((acquire(&lab.a, &AcquireRequest { info, ..request(&name, LONG) }).await, note));
    }
    for (lease, note) in &leases {
        let seen = refused(&lab.b, &request(&lease.name, LONG)).await;
        assert_eq!((&seen.name, seen.holder, seen.token), (&lease.name, lease.holder, lease.token));
        assert_eq!(seen.note.as_ref(), Some(note));
    }
    for (lease, _) in &leases {
        release(&lab.a, lease).await;
        assert_eq!(holder(&lab.b, &lease.name).await, None, "{:?} is free", lease.name);
    }
}

/// A record that we did not write, or that was spoilt: an error that says so, no grant, and no change.
pub async fn a_corrupt_record_is_reported_and_untouched(lab: Lab) {
    for defect in Defect::ALL {
        let name = fresh_name("corrupt");
        if !lab.fixture.plant(&name, defect).await {
            continue;
        }
        let before = lab.fixture.stored(&name).await;
        let is_corrupt = |failure: &Failure| matches!(failure, Failure::Corrupt { name: of, .. } if *of == name);
        let lease = LeaseKey {
            name: name.clone(),
            holder: HolderId::from_bytes([7; 16]),
            token: crate::FencingToken::new(1).expect("a token"),
        };

        let acquired = lab.a.try_acquire(&request(&name, LONG)).await.map_err(|error| error.failure().clone());
        assert!(acquired.as_ref().is_err_and(is_corrupt), "{defect:?}: try_acquire says {acquired:?}");
        let inspected = lab.b.inspect(&name).await.map_err(|error| error.failure().clone());
        assert!(inspected.as_ref().is_err_and(is_corrupt), "{defect:?}: inspect says {inspected:?}");
        // These may report it or say that nothing is held. What counts is that they leave it alone.
        drop(lab.a.renew(&[Renewal { lease: lease.clone(), ttl: LONG }]).await);
        drop(lab.a.release(std::slice::from_ref(&lease)).await);
        drop(lab.a.hand_off(&lease, &request(&name, LONG)).await);
        assert_eq!(lab.fixture.stored(&name).await, before, "{defect:?}: the record is as it was");
    }
}

/// What is corrupt becomes a free lock, whose tokens are larger than before where there was a token. What is held, free,
/// or not there stays as it is.
pub async fn a_corrupt_record_is_repaired_and_a_sound_one_is_not(lab: Lab) {
    for defect in Defect::ALL {
        let name = fresh_name("repaired");
        if !lab.fixture.plant(&name, defect).await {
            continue;
        }
        assert!(lab.a.repair(&name).await.expect("the store answers"), "{defect:?}: it was corrupt");
        assert!(!lab.b.repair(&name).await.expect("the store answers"), "{defect:?}: it is not any more");
        assert_eq!(holder(&lab.b, &name).await, None, "{defect:?}");
        let token = acquire(&lab.b, &request(&name, LONG)).await.token;
        let before = if defect.leaves_the_token() { Defect::TOKEN } else { 0 };
        assert!(token.get() > before, "{defect:?}: {token} after {before}");
    }
    let name = fresh_name("sound");
    assert!(!lab.a.repair(&name).await.expect("the store answers"), "it is not there");
    let lease = acquire(&lab.a, &request(&name, LONG)).await;
    assert!(!lab.b.repair(&name).await.expect("the store answers"), "it is held");
    let seen = holder(&lab.a, &name).await.expect("it is still held");
    assert_eq!((seen.holder, seen.token), (lease.holder, lease.token));
    release(&lab.a, &lease).await;
    assert!(!lab.b.repair(&name).await.expect("the store answers"), "it is free");
}
