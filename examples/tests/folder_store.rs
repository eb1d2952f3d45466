//! The store of the guide keeps every promise.

use std::{fs, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use shylock_core::{
    Backend, HolderId, LockName,
    conformance::{ClientClock, Defect, Fixture, conformance_tests},
};
use shylock_examples::folder_store::FolderStore;

/// A folder of its own.
#[derive(Debug)]
struct FolderFixture(FolderStore);

impl FolderFixture {
    fn new() -> Self {
        let id = HolderId::random().expect("random numbers");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{id:?}"));
        fs::create_dir_all(&folder).expect("made");
        Self(FolderStore(folder))
    }
}

impl Drop for FolderFixture {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0.0));
    }
}

#[async_trait]
impl Fixture for FolderFixture {
    /// All processes of a machine read one clock.
    async fn handle(&self, _: ClientClock) -> Arc<dyn Backend> {
        Arc::new(FolderStore(self.0.0.clone()))
    }

    fn skew_allowance(&self) -> Duration {
        Duration::ZERO
    }

    fn notifies(&self) -> bool {
        false
    }

    async fn clean_up(&self, name: &LockName) {
        fs::remove_file(self.0.file(name)).expect("it is there");
    }

    async fn plant(&self, name: &LockName, defect: Defect) -> bool {
        let time = |secs: u64| json!({ "secs": secs, "nanos": 0 });
        let (id, none) = (json!([7_u8; 16].as_slice()), Value::Null);
        let (token, holder, ends) = match defect {
            Defect::ExpiryIsText => (json!(1), id, json!("2020-01-01T00:00:00Z")),
            Defect::ExpiryIsNumber => (json!(1), id, json!(1)),
            Defect::ExpiryIsNull => (json!(1), id, none),
            Defect::ExpiryIsMissing => (json!(1), id, json!({})),
            Defect::ExpiryIsTooFar => (json!(1), id, time(253_402_214_400)),
            Defect::HolderIsText => (json!(1), json!("ends"), time(1)),
            Defect::HolderIsMissing => (json!(1), none, time(1)),
            Defect::TokenIsText => (json!("x"), id, time(1)),
            Defect::TokenIsFraction => (json!(1.5), id, time(1)),
            Defect::TokenIsMissing => (none, id, time(1)),
            Defect::TokenIsZero => (json!(0), id, time(1)),
            Defect::TokenIsNegative => (json!(-5), id, time(1)),
            Defect::TokenIsTooLarge => (json!(1_u64 << 53), id, time(1)),
            Defect::ForeignFieldsOnly => (json!({ "x": 1 }), none.clone(), none),
            other => panic!("the fixture does not know {other:?}"),
        };
        let text = json!([name.as_str(), token, holder, time(1), ends, null, null, null]);
        fs::write(self.0.file(name), text.to_string()).expect("written");
        true
    }

    async fn stored(&self, name: &LockName) -> String {
        fs::read_to_string(self.0.file(name)).expect("it is there")
    }
}

conformance_tests!(FolderFixture::new());

/// What the guide says of its length.
#[test]
fn it_is_short() {
    let lines = include_str!("../folder_store.rs").lines().count();
    assert!(lines < 150, "{lines} lines");
}
