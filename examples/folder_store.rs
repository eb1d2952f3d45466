//! [`FolderStore`]: how to write a store. Each lock is a file in a folder, for the processes of one machine.
//!
//! `shylock-sqlite` does what is left out here, which the guide lists (`docs/src/stores.md`).

use std::{collections::BTreeMap, fs, io, path::Path, path::PathBuf, time::Duration, time::SystemTime};

use async_trait::async_trait;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shylock_core::{record::*, *};

/// A folder with a file for each lock. All processes read one clock, so there is no skew between servers.
#[derive(Debug)]
pub struct FolderStore(pub PathBuf);

/// A request under way: nobody else has one until it is dropped.
struct Step<'a> {
    store: &'a FolderStore,
    now: Duration,
    _gate: fs::File,
}

/// What a file holds: name, token, holder, when it was acquired, when its lease ends; host, process, note.
type Text = (String, u64, [u8; 16], Duration, Duration, Option<String>, Option<u32>, Option<String>);
type Answer<T> = Result<T, BackendError>;

fn not_done(error: impl Into<io::Error>) -> BackendError {
    BackendError::not_applied(error.into(), None)
}

impl FolderStore {
    /// The file of a lock: a name can hold what a file's name cannot.
    #[must_use]
    pub fn file(&self, name: &LockName) -> PathBuf {
        let digest: String = Sha256::digest(name.as_str()).iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.join(digest + ".json")
    }

    async fn begin(&self) -> Answer<Step<'_>> {
        let gate = fs::File::create(self.0.join("gate")).map_err(not_done)?;
        // It may wait for a process that is stopped, so not on a thread of the runtime.
        let wait = || flock(&gate, FlockOperation::LockExclusive).map(|()| gate);
        let gate = tokio::task::spawn_blocking(wait).await.map_err(not_done)?.map_err(not_done)?;
        // Read now, and not before: a lease must not be shorter for having waited.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Step { store: self, now, _gate: gate })
    }
}

impl Step<'_> {
    fn read(&self, name: &LockName) -> Answer<Option<Entry>> {
        let file = self.store.file(name);
        let text = match fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(not_done)?,
        };
        let ours = self.decode(&file, &text).map(|(_, entry)| Some(entry));
        ours.ok_or_else(|| BackendError::corrupt(name.clone(), "its file is none of this store's"))
    }

    /// The lock's name and entry, if this store can have put them there. `new` is in no lock's place.
    fn decode(&self, file: &Path, text: &[u8]) -> Option<(LockName, Entry)> {
        let (name, token, holder, acquired, ends, host, pid, note) = serde_json::from_slice::<Text>(text).ok()?;
        let name = LockName::new(name).ok().filter(|name| self.store.file(name) == file)?;
        let record =
            Record { token: FencingToken::stored(token)?, holder: HolderId::from_bytes(holder), acquired, ends };
        // The longest lease, and as long again for a clock that was set back.
        let is_possible = ends.saturating_sub(self.now) <= MAX_TTL * 2;
        is_possible.then_some((name, Entry { record, info: HolderInfo { host, pid, note } }))
    }

    /// Puts a whole file in the place of the old one: nobody finds a half.
    fn write(&self, name: &LockName, Entry { record, info }: Entry) -> Answer<Grant> {
        let Record { token, holder, acquired, ends } = record;
        let (key, holder) = (name.as_str().to_owned(), *holder.as_bytes());
        let text: Text = (key, token.get(), holder, acquired, ends, info.host, info.pid, info.note);
        let new = self.store.0.join("new");
        fs::write(&new, serde_json::to_vec(&text).map_err(BackendError::permanent)?).map_err(not_done)?;
        fs::rename(new, self.store.file(name)).map_err(BackendError::ambiguous)?;
        Ok(Grant { token })
    }

    /// Writes what the rule makes of an entry, if anything, and says whether it did. A corrupt record is no lease of the
    /// caller's; the others of its batch go on.
    fn changed(&self, name: &LockName, rule: impl FnOnce(&Entry) -> Option<Entry>) -> Answer<bool> {
        match self.read(name) {
            Err(error) if matches!(error.failure(), Failure::Corrupt { .. }) => Ok(false),
            // Others of the batch may have been written.
            Err(error) => Err(BackendError::ambiguous(error)),
            Ok(entry) => match entry.as_ref().and_then(rule) {
                Some(changed) => self.write(name, changed).map(|_| true).map_err(BackendError::ambiguous),
                None => Ok(false),
            },
        }
    }
}

#[async_trait]
impl Backend for FolderStore {
    async fn try_acquire(&self, request: &AcquireRequest) -> Answer<Attempt> {
        let step = self.begin().await?;
        match Entry::take(step.read(&request.name)?.as_ref(), request, step.now, Duration::ZERO)? {
            Taken::Granted(entry) => step.write(&request.name, entry).map(Attempt::Granted),
            Taken::Held(info) => Ok(Attempt::Held(info)),
        }
    }

    async fn renew(&self, leases: &[Renewal]) -> Answer<Vec<RenewOutcome>> {
        let step = self.begin().await?;
        let renew =
            |renewal: &Renewal| match step.changed(&renewal.lease.name, |entry| entry.renewed(renewal, step.now))? {
                true => Ok(RenewOutcome::Renewed),
                false => Ok(RenewOutcome::NotHeld),
            };
        leases.iter().map(renew).collect()
    }

    async fn release(&self, leases: &[LeaseKey]) -> Answer<Vec<ReleaseOutcome>> {
        let step = self.begin().await?;
        let release = |lease: &LeaseKey| match step.changed(&lease.name, |entry| entry.released(lease))? {
            true => Ok(ReleaseOutcome::Released),
            false => Ok(ReleaseOutcome::NotHeld),
        };
        leases.iter().map(release).collect()
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Answer<HandOff> {
        let step = self.begin().await?;
        let Some(entry) = step.read(&from.name)? else { return Ok(HandOff::NotHeld) };
        let Some(next) = entry.handed_off(from, to, step.now)? else { return Ok(HandOff::NotHeld) };
        step.write(&to.name, next).map(HandOff::Granted)
    }

    async fn inspect(&self, name: &LockName) -> Answer<Option<LockInfo>> {
        let step = self.begin().await?;
        let live = step.read(name)?.filter(|entry| entry.record.is_live(step.now));
        Ok(live.map(|entry| entry.told(name, step.now, Duration::ZERO)))
    }

    async fn list(&self, query: &ListQuery) -> Answer<Vec<LockInfo>> {
        let step = self.begin().await?;
        let files = fs::read_dir(&self.0).map_err(not_done)?.filter_map(|file| Some(file.ok()?.path()));
        let read = |file: PathBuf| step.decode(&file, &fs::read(&file).ok()?);
        let locks: BTreeMap<LockName, Entry> = files.filter_map(read).collect();
        let live = locks.iter().filter(|(name, entry)| entry.record.is_live(step.now) && query.matches(name));
        Ok(live.take(query.limit).map(|(name, entry)| entry.told(name, step.now, Duration::ZERO)).collect())
    }

    async fn repair(&self, name: &LockName) -> Answer<bool> {
        let step = self.begin().await?;
        match step.read(name) {
            Err(error) if matches!(error.failure(), Failure::Corrupt { .. }) => {}
            sound => return sound.map(|_| false),
        }
        // What cannot be decoded may still show its token.
        let stored = fs::read(self.file(name)).ok().and_then(|text| serde_json::from_slice::<Vec<Value>>(&text).ok());
        let token = stored.and_then(|fields| fields.get(1)?.as_u64());
        let repaired = Entry::repaired(token, step.now).ok_or_else(|| not_done(io::Error::other("no token")))?;
        step.write(name, repaired).map(|_| true)
    }

    async fn watch(&self) -> Answer<Watch> {
        Ok(Watch::Unsupported)
    }
}
