//! Where a process writes down what it sees: a line an event, whole or not at all, and there though the process is
//! killed right after.

use std::{
    fs::{File, OpenOptions},
    io::BufReader,
    path::Path,
    sync::Arc,
};

use shylock_proof::history::{self, Event, What};

use crate::{Result, clock};

/// The journal of one process. Clones write into the same.
#[derive(Debug, Clone)]
pub struct Journal {
    file: Arc<File>,
    process: u32,
}

impl Journal {
    /// The journal of this process, in this folder.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn open(folder: &Path, process: u32) -> Result<Self> {
        let path = folder.join(format!("process-{process}.jsonl"));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: Arc::new(file), process })
    }

    /// Writes down what happens now.
    pub fn note(&self, lock: &str, what: What) {
        self.note_at(clock::now(), lock, what);
    }

    /// Writes down what happened then.
    pub fn note_at(&self, at: u64, lock: &str, what: What) {
        self.note_of(self.process, at, lock, what);
    }

    /// Writes down what was done to another process.
    pub fn note_of(&self, process: u32, at: u64, lock: &str, what: What) {
        let event = Event { at, process, lock: lock.to_owned(), what };
        if let Err(error) = history::write_event(&*self.file, &event) {
            eprintln!("the journal cannot be written: {error}");
            std::process::abort();
        }
    }
}

/// All journals of a folder as one history, without a line that a killed process has not finished.
///
/// # Errors
/// A file cannot be read, or a line is no event.
pub fn read(folder: &Path) -> Result<Vec<Event>> {
    let mut journals = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("process-") && name.ends_with(".jsonl") {
            let events = history::read_events(BufReader::new(File::open(&path)?));
            journals.push(events.map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    Ok(history::merge(journals))
}
