use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use shylock_core::conformance::{ClientClock, Defect, Fixture};
use shylock_sqlite::{Backend, LockName, SqliteBackend};

use super::Folder;

/// A file of its own, or one that others have, too.
#[derive(Debug)]
pub(crate) struct SqliteFixture {
    path: PathBuf,
    _folder: Option<Folder>,
}

impl SqliteFixture {
    pub(crate) fn on(path: PathBuf) -> Self {
        Self { path, _folder: None }
    }

    fn with<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        let connection = rusqlite::Connection::open(&self.path).expect("opened");
        connection.busy_timeout(Duration::from_secs(10)).expect("set");
        work(&connection)
    }
}

impl Default for SqliteFixture {
    fn default() -> Self {
        let folder = Folder::new();
        Self { path: folder.locks(), _folder: Some(folder) }
    }
}

#[async_trait]
impl Fixture for SqliteFixture {
    /// The wall clock is read only when a machine opens the file for the first time; `clocks.rs` shifts it.
    async fn handle(&self, _: ClientClock) -> Arc<dyn Backend> {
        Arc::new(SqliteBackend::open(&self.path).await.expect("opened"))
    }

    fn skew_allowance(&self) -> Duration {
        Duration::ZERO
    }

    fn notifies(&self) -> bool {
        true
    }

    async fn clean_up(&self, name: &LockName) {
        let delete = "DELETE FROM shylock_locks WHERE name = ?1 AND ends = 0";
        let removed = self.with(|file| file.execute(delete, [name.as_str()])).expect("removed");
        assert_eq!(removed, 1, "an idle record was there to be removed");
    }

    /// The checks are off, as whoever plants something may have them; the types are always checked.
    async fn plant(&self, name: &LockName, defect: Defect) -> bool {
        let sound = Defect::TOKEN.to_string();
        let (holder, token, ends) = match defect {
            Defect::ExpiryIsText => ("zeroblob(16)", sound.as_str(), "'2020-01-01T00:00:00Z'"),
            Defect::ExpiryIsNull | Defect::ExpiryIsMissing => ("zeroblob(16)", sound.as_str(), "NULL"),
            Defect::ExpiryIsTooFar => ("zeroblob(16)", sound.as_str(), "253402214400000000"),
            Defect::HolderIsText => ("'ends'", sound.as_str(), "1"),
            Defect::HolderIsMissing => ("NULL", sound.as_str(), "1"),
            Defect::TokenIsText => ("zeroblob(16)", "'x'", "1"),
            Defect::TokenIsFraction => ("zeroblob(16)", "1.5", "1"),
            Defect::TokenIsMissing | Defect::ForeignFieldsOnly => ("zeroblob(16)", "NULL", "1"),
            Defect::TokenIsZero => ("zeroblob(16)", "0", "1"),
            Defect::TokenIsNegative => ("zeroblob(16)", "-5", "1"),
            Defect::TokenIsTooLarge => ("zeroblob(16)", "9007199254740992", "1"),
            Defect::TokenIsTheLast => ("zeroblob(16)", "9007199254740991", "1"),
            // Numbers are what it is.
            Defect::ExpiryIsNumber => return false,
            other => panic!("the fixture does not know {other:?}"),
        };
        let insert = format!(
            "INSERT INTO shylock_locks (name, holder, token, acquired, ends) VALUES (?1, {holder}, {token}, 1, {ends})"
        );
        let planted = self.with(|file| {
            file.pragma_update(None, "ignore_check_constraints", true).expect("set");
            file.execute(&insert, [name.as_str()])
        });
        match planted {
            Ok(rows) => rows == 1,
            Err(error) => {
                assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ConstraintViolation), "{error}");
                false
            }
        }
    }

    async fn stored(&self, name: &LockName) -> String {
        let select = "SELECT token, hex(holder), acquired, ends, freed FROM shylock_locks WHERE name = ?1";
        let row = |row: &rusqlite::Row<'_>| {
            let value = |column| row.get::<_, rusqlite::types::Value>(column);
            Ok(format!("{:?}", (value(0)?, value(1)?, value(2)?, value(3)?, value(4)?)))
        };
        self.with(|file| file.query_row(select, [name.as_str()], row)).expect("found")
    }
}
