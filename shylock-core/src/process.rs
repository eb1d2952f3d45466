//! Values and the process that they belong to: after a `fork`, the child has copies of all values and none of the
//! threads. What a copy stands for is the parent's.

use std::{process, sync::OnceLock};

/// The process in which a value was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn this() -> Self {
        Self(process::id())
    }

    /// Whether this is a value of another process, copied by a `fork`: nothing may be sent for it, and no mutex taken
    /// that a thread of the other may have held.
    pub(crate) fn is_another(self) -> bool {
        self != Self::this()
    }
}

/// A static of which each process has its own: a forked child starts with a new one, and never touches its parent's.
#[doc(hidden)]
#[derive(Debug)]
pub struct PerProcess<T>(OnceLock<Box<Entry<T>>>);

#[derive(Debug)]
struct Entry<T> {
    process: Process,
    value: T,
    of_child: PerProcess<T>,
}

impl<T: Default> PerProcess<T> {
    /// Nobody's.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "for statics")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// That of this process, made with its first use.
    pub fn get(&self) -> &T {
        let new = || Box::new(Entry { process: Process::this(), value: T::default(), of_child: Self::new() });
        let entry = self.0.get_or_init(new);
        if entry.process.is_another() { entry.of_child.get() } else { &entry.value }
    }
}
