//! The store of the guide keeps every promise.

use std::{fs, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use shylock_core::{
    AcquireRequest, Attempt, Backend, Grant, HolderId, HolderInfo, LeaseKey, ListQuery, LockName, RenewOutcome,
    Renewal,
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
        let sound = json!(Defect::TOKEN);
        let (token, holder, ends) = match defect {
            Defect::ExpiryIsText => (sound, id, json!("2020-01-01T00:00:00Z")),
            Defect::ExpiryIsNumber => (sound, id, json!(1)),
            Defect::ExpiryIsNull => (sound, id, none),
            Defect::ExpiryIsMissing => (sound, id, json!({})),
            Defect::ExpiryIsTooFar => (sound, id, time(253_402_214_400)),
            Defect::HolderIsText => (sound, json!("ends"), time(1)),
            Defect::HolderIsMissing => (sound, none, time(1)),
            Defect::TokenIsText => (json!("x"), id, time(1)),
            Defect::TokenIsFraction => (json!(1.5), id, time(1)),
            Defect::TokenIsMissing => (none, id, time(1)),
            Defect::TokenIsZero => (json!(0), id, time(1)),
            Defect::TokenIsNegative => (json!(-5), id, time(1)),
            Defect::TokenIsTooLarge => (json!(1_u64 << 53), id, time(1)),
            Defect::TokenIsTheLast => (json!((1_u64 << 53) - 1), id, time(1)),
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

fn request(name: &LockName) -> AcquireRequest {
    let (holder, ttl) = (HolderId::random().expect("random numbers"), Duration::from_secs(30));
    AcquireRequest { name: name.clone(), holder, ttl, info: HolderInfo::default() }
}

async fn granted(store: &FolderStore, name: &LockName) -> LeaseKey {
    let request = request(name);
    match store.try_acquire(&request).await.expect("the store answers") {
        Attempt::Granted(Grant { token }) => LeaseKey { name: request.name, holder: request.holder, token },
        Attempt::Held(info) => panic!("it is free: {info:?}"),
    }
}

/// A process was killed after it had written a record, and before it had put it in its place.
#[tokio::test]
async fn what_was_not_put_in_its_place_is_no_lock() {
    let FolderFixture(store) = &FolderFixture::new();
    let name = LockName::new("a").expect("a name");
    granted(store, &name).await;
    fs::rename(store.file(&name), store.0.join("new")).expect("renamed");
    let all = ListQuery { prefix: String::new(), after: None, limit: 9 };
    assert_eq!(store.list(&all).await.expect("the store answers"), []);
}

#[tokio::test]
async fn a_corrupt_record_costs_no_other_lease() {
    let fixture = FolderFixture::new();
    let [bad, good] = ["bad", "good"].map(|name| LockName::new(name).expect("a name"));
    let leases = [granted(&fixture.0, &bad).await, granted(&fixture.0, &good).await];
    assert!(fixture.plant(&bad, Defect::TokenIsText).await);
    let renewals = leases.map(|lease| Renewal { lease, ttl: Duration::from_secs(30) });
    let outcomes = fixture.0.renew(&renewals).await.expect("the store answers");
    assert_eq!(outcomes, [RenewOutcome::NotHeld, RenewOutcome::Renewed]);
}
