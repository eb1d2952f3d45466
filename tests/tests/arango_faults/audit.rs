//! What the versions of one record have to show, whatever happened: pure functions over the server's audit log.
//!
//! Leases are judged in true time, the time of the machine, which no coordinator's clock tells.

use std::time::Duration;

use arango_server::AuditEntry;
use serde_json::Value;

/// Nothing, or what is wrong.
pub(crate) type Verdict = Result<(), String>;

/// A version of the record.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// Empty where the lock is free.
    pub(crate) owner: String,
    pub(crate) token: u64,
    /// The process that it was granted to, as it calls itself.
    pub(crate) host: Option<String>,
    /// When its lease ends, in true time.
    until: i64,
    /// The same on the clock of the coordinator that wrote it.
    ends: i64,
}

/// Nobody hands a lock on.
pub(crate) const fn never(_: &Version, _: &Version) -> bool {
    false
}

/// All of it. `handed_on` says of which pairs the first has given the lock to the second.
pub(crate) fn sound(history: &[AuditEntry], handed_on: impl Fn(&Version, &Version) -> bool) -> Verdict {
    exclusive(history, handed_on)?;
    every_version_is_a_change(history)
}

/// All but the last, for whoever repeats requests with shorter leases than they were granted: that leaves the end as
/// it is, and is written all the same, as only a write waits for the disk.
pub(crate) fn exclusive(history: &[AuditEntry], handed_on: impl Fn(&Version, &Version) -> bool) -> Verdict {
    tokens_grow(history)?;
    leases_never_overlap(history, handed_on)?;
    ends_never_move_back(history)?;
    only_releases_are_lost(history)
}

/// Each grant has a larger token than all before it, even when the record was removed meanwhile.
pub(crate) fn tokens_grow(history: &[AuditEntry]) -> Verdict {
    let mut largest = 0;
    for step in steps(history)? {
        let Some(version) = &step.version else { continue };
        let is_new = version.token > largest;
        if step.kind() == Kind::Grant && !is_new {
            return Err(format!("token {} is granted after {largest}: {version:?}", version.token));
        }
        if step.kind() != Kind::Grant && version.token != largest {
            return Err(format!("token {largest} becomes {} without a grant: {version:?}", version.token));
        }
        largest = version.token;
    }
    Ok(())
}

/// No lease begins, and no record goes, while another lease is live.
pub(crate) fn leases_never_overlap(history: &[AuditEntry], handed_on: impl Fn(&Version, &Version) -> bool) -> Verdict {
    let mut live: Option<Version> = None;
    for step in steps(history)? {
        let before = live.take().filter(|before| step.at < before.until);
        match (step.kind(), before, step.version) {
            (Kind::Grant, Some(before), Some(version)) if !handed_on(&before, &version) => {
                return Err(format!("granted {} ms too early: {version:?} after {before:?}", before.until - step.at));
            }
            (Kind::Removal, Some(before), _) => return Err(format!("removed while it was live: {before:?}")),
            (Kind::Grant | Kind::Renewal, _, version) => live = version,
            (Kind::Release | Kind::Removal, ..) => {}
        }
    }
    Ok(())
}

/// A renewal never shortens a lease.
pub(crate) fn ends_never_move_back(history: &[AuditEntry]) -> Verdict {
    for step in steps(history)? {
        if let (Kind::Renewal, Some(before), Some(version)) = (step.kind(), &step.before, &step.version)
            && version.ends < before.ends
        {
            return Err(format!("a lease is shortened by {} ms: {version:?}", before.ends - version.ends));
        }
    }
    Ok(())
}

/// Who only finds the lock held writes nothing.
pub(crate) fn every_version_is_a_change(history: &[AuditEntry]) -> Verdict {
    let content = |entry: &AuditEntry| {
        let mut document = entry.document.clone()?;
        document.as_object_mut()?.remove("_rev");
        Some(document)
    };
    match history.windows(2).find(|pair| content(&pair[0]) == content(&pair[1])) {
        Some(pair) => Err(format!("nothing has changed: {:?}", pair[1].document)),
        None => Ok(()),
    }
}

/// A crash undoes no grant and no renewal.
pub(crate) fn only_releases_are_lost(history: &[AuditEntry]) -> Verdict {
    match history.iter().find(|entry| entry.lost && !owner(entry.document.as_ref()).is_empty()) {
        Some(entry) => Err(format!("a lease is lost: {:?}", entry.document)),
        None => Ok(()),
    }
}

/// The versions that no crash has undone.
pub(crate) fn versions(history: &[AuditEntry]) -> Result<Vec<Version>, String> {
    Ok(steps(history)?.into_iter().filter_map(|step| step.version).collect())
}

/// The grants among them.
pub(crate) fn grants(history: &[AuditEntry]) -> Result<Vec<Version>, String> {
    Ok(steps(history)?.into_iter().filter(|step| step.kind() == Kind::Grant).filter_map(|step| step.version).collect())
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Grant,
    /// Or a request that was repeated under its holder id.
    Renewal,
    Release,
    Removal,
}

/// A version and the one before it, if there are such.
struct Step {
    at: i64,
    before: Option<Version>,
    version: Option<Version>,
}

impl Step {
    fn kind(&self) -> Kind {
        let lease = |version: &Version| (version.owner.clone(), version.token);
        match &self.version {
            None => Kind::Removal,
            Some(version) if version.owner.is_empty() => Kind::Release,
            Some(version) if self.before.as_ref().map(lease) == Some(lease(version)) => Kind::Renewal,
            Some(_) => Kind::Grant,
        }
    }
}

fn steps(history: &[AuditEntry]) -> Result<Vec<Step>, String> {
    let mut before = None;
    let mut steps = Vec::new();
    for entry in history.iter().filter(|entry| !entry.lost) {
        let version = entry.document.as_ref().map(|document| read(entry, document)).transpose()?;
        steps.push(Step { at: entry.server_time, before: before.take(), version: version.clone() });
        before = version;
    }
    Ok(steps)
}

fn read(entry: &AuditEntry, document: &Value) -> Result<Version, String> {
    let ends = document["expiresAt"].as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // A lease ends at a whole millisecond, which its seconds only come close to.
    let ends = ends.and_then(|ends| i64::try_from((ends + Duration::from_micros(500)).as_millis()).ok());
    let (Some(ends), Some(token), Some(_)) = (ends, document["token"].as_u64(), document["owner"].as_str()) else {
        return Err(format!("no record of a lock: {document}"));
    };
    Ok(Version {
        owner: owner(Some(document)).to_owned(),
        token,
        host: document["host"].as_str().map(str::to_owned),
        until: entry.server_time + (ends - entry.author_time),
        ends,
    })
}

fn owner(document: Option<&Value>) -> &str {
    document.and_then(|document| document["owner"].as_str()).unwrap_or_default()
}
