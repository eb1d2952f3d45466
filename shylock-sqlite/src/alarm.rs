//! [`Alarm`]: says when the file should be looked at, since another process may have changed it.

use std::{io, path::Path, sync::Arc, thread, time::Duration};

/// What was written is read a moment later: writes to the log are seen before their commit.
const SETTLE: Duration = Duration::from_millis(1);
/// How long after a change to look once more; then twice as long, and so on. A writer may have been held up.
const ONCE_MORE: Duration = Duration::from_millis(4);
/// How long to wait at most, in case that a change was not told.
const AT_LAST: Duration = Duration::from_millis(250);
/// How often to look where nobody tells of changes.
const LOOK: Duration = Duration::from_millis(20);

/// A thread that rings. It ends when this is dropped, or when nobody hears it any more.
#[derive(Debug)]
pub(crate) struct Alarm {
    _wanted: Arc<()>,
}

impl Alarm {
    /// Rings at each change to this log of SQLite's, and from time to time; `ring` says whether it was heard.
    pub(crate) fn start(log: &Path, ring: impl Fn() -> bool + Send + 'static) -> io::Result<Self> {
        let wanted = Arc::new(());
        let still = Arc::downgrade(&wanted);
        let mut changes = Changes::of(log);
        let life = move || {
            while still.strong_count() > 0 && ring() {
                changes.wait();
            }
        };
        thread::Builder::new().name("shylock-alarm".into()).spawn(life)?;
        Ok(Self { _wanted: wanted })
    }
}

/// Told by the kernel, if it has something left for us: each user can have so many of these.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Debug)]
struct Changes {
    told: Option<rustix::fd::OwnedFd>,
    pause: Duration,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Changes {
    fn of(log: &Path) -> Self {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let told = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).and_then(|told| {
            add_watch(&told, log, WatchFlags::MODIFY)?;
            Ok(told)
        });
        Self { told: told.ok(), pause: ONCE_MORE }
    }

    fn wait(&mut self) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let Some(told) = &self.told else { return thread::sleep(LOOK) };
        let most = Timespec::try_from(self.pause).ok();
        self.pause = match poll(&mut [PollFd::new(told, PollFlags::IN)], most.as_ref()) {
            Ok(0) => (self.pause * 2).min(AT_LAST),
            Ok(_) => {
                thread::sleep(SETTLE);
                let mut events = [0; 4096];
                while rustix::io::read(told, &mut events).is_ok_and(|read| read > 0) {}
                ONCE_MORE
            }
            Err(_) => return thread::sleep(LOOK),
        };
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[derive(Debug)]
struct Changes;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Changes {
    fn of(_: &Path) -> Self {
        Self
    }

    fn wait(&mut self) {
        thread::sleep(LOOK);
    }
}
