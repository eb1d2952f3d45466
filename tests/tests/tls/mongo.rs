//! A `mongod` that takes nothing but TLS, and asks its clients for a certificate.

use std::{fs, path::PathBuf, time::Duration};

use shylock_mongo::{Error, LockManager, MongoBackend, Result};
use shylock_tests::{CANARY, Flag, Mongo, assert_silent};

use crate::{certificates::Authority, front, refusal::refused, tap::Tap};

/// The driver looks for a server that it can trust for as long as for one that is there: 3 s, unless the address says
/// otherwise, as most do here.
const WITHIN: Duration = Duration::from_millis(3500);
const SHORTER: &str = "serverSelectionTimeoutMS=1000";
const WITHIN_SHORTER: Duration = Duration::from_millis(1500);
const HOST: &str = "127.0.0.1";

/// The server, and the files that clients have; they are gone with it.
struct Lab {
    mongo: Mongo,
    folder: PathBuf,
    port: String,
    authority: Authority,
}

impl Lab {
    async fn new() -> Self {
        let authority = Authority::new("ours");
        let folder = std::env::temp_dir().join(format!("shylock-tls-{}-{}", std::process::id(), number()));
        fs::create_dir(&folder).expect("a folder");
        let write = |name: &str, content: &str| fs::write(folder.join(name), content).expect("written");
        let client = authority.certify("client.example");
        write("ca.pem", &authority.pem());
        write("other_ca.pem", &Authority::new("another").pem());
        write("client.pem", &client.pem());
        write("hidden.pem", &client.pem_with(CANARY));
        write("strange.pem", &Authority::new("another").certify("client.example").pem());
        let flags = [
            Flag::Text("--tlsMode=requireTLS"),
            Flag::Text("--tlsCertificateKeyFile"),
            Flag::File { name: "server.pem", content: authority.certify(HOST).pem() },
            Flag::Text("--tlsCAFile"),
            Flag::File { name: "ca.pem", content: authority.pem() },
        ];
        let options = format!("tlsCAFile={0}/ca.pem&tlsCertificateKeyFile={0}/client.pem", folder.display());
        let mongo = Mongo::start_with(&flags, &options).await;
        let port = mongo.hosts().rsplit_once(':').expect("host and port").1.to_owned();
        Self { mongo, folder, port, authority }
    }

    /// An address of this host with these options; `{}` in them is the folder of the files.
    fn uri(&self, host: &str, options: &str) -> String {
        let options = options.replace("{}", &self.folder.display().to_string());
        format!("mongodb://{host}:{}/?directConnection=true&{options}", self.port)
    }

    /// The same with a password, which nobody gets to see.
    async fn connect(&self, host: &str, options: &str) -> Result<MongoBackend> {
        MongoBackend::connect(self.uri(&format!("me:{CANARY}@{host}"), options), "shylock_tls").await
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn number() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

async fn works(backend: Result<MongoBackend>) {
    let manager = LockManager::new(backend.expect("connected"));
    assert_silent(&manager);
    let lock = manager.lock("over TLS");
    let guard = lock.acquire().await.expect("granted");
    guard.renew().await.expect("renewed");
    assert!(lock.try_acquire().await.expect("the store answers").is_none());
    guard.release().await.expect("released");
    manager.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_certificates_work_and_all_others_are_refused() {
    let lab = Lab::new().await;
    works(MongoBackend::connect(lab.mongo.uri(), "shylock_tls").await).await;
    let hidden =
        format!("tlsCAFile={{}}/ca.pem&tlsCertificateKeyFile={{}}/hidden.pem&tlsCertificateKeyFilePassword={CANARY}");
    works(MongoBackend::connect(lab.uri(HOST, &hidden), "shylock_tls").await).await;

    let mine = "tlsCertificateKeyFile={}/client.pem";
    for (what, host, options, says) in [
        ("another host", "localhost", format!("tlsCAFile={{}}/ca.pem&{mine}"), "not valid for name"),
        ("an authority that is not trusted", HOST, format!("tlsCAFile={{}}/other_ca.pem&{mine}"), "UnknownIssuer"),
        ("only the authorities of the web", HOST, format!("tls=true&{mine}"), "UnknownIssuer"),
        ("no certificate of the client", HOST, "tlsCAFile={}/ca.pem".into(), "I/O error"),
        (
            "a stranger's certificate",
            HOST,
            "tlsCAFile={}/ca.pem&tlsCertificateKeyFile={}/strange.pem".into(),
            "I/O error",
        ),
        ("a client without TLS", HOST, "tls=false".into(), "I/O error"),
        ("a client that says nothing of TLS", HOST, "appName=plain".into(), "I/O error"),
    ] {
        let options = format!("{options}&{SHORTER}");
        refused(what, &[says], true, WITHIN_SHORTER, lab.connect(host, &options)).await;
    }
}

/// What is wrong with the files themselves is told at once, without what is in them.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_are_told_at_once() {
    let lab = Lab::new().await;
    fs::write(lab.folder.join("no_pem"), CANARY).expect("written");
    let ca = "tlsCAFile={}/ca.pem";
    for (what, options) in [
        ("no such authority", "tlsCAFile={}/nothing.pem".to_owned()),
        ("no such key", format!("{ca}&tlsCertificateKeyFile={{}}/nothing.pem")),
        ("no key in the file", format!("{ca}&tlsCertificateKeyFile={{}}/no_pem")),
        ("no key but a certificate", format!("{ca}&tlsCertificateKeyFile={{}}/ca.pem")),
        (
            "a wrong password",
            format!("{ca}&tlsCertificateKeyFile={{}}/hidden.pem&tlsCertificateKeyFilePassword={CANARY}-"),
        ),
        ("no password", format!("{ca}&tlsCertificateKeyFile={{}}/hidden.pem")),
    ] {
        let within = Duration::from_secs(1);
        refused(what, &[""], false, within, lab.connect(HOST, &options)).await;
    }
    for options in ["tls=false&tlsCAFile={}/ca.pem", "tls=perhaps", &format!("tls=true&tlsInsecure={CANARY}")] {
        let error = lab.connect(HOST, options).await.expect_err("cannot be right");
        assert!(matches!(error, Error::InvalidOption { option: "uri", .. }), "{options}: {error:?}");
        assert_silent(&error);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_expired_is_refused() {
    let plain = Mongo::standalone().await;
    let lab = Lab::new().await;
    for (certified, says) in [
        (lab.authority.certify(HOST), None),
        (lab.authority.certify_once(HOST), Some("certificate expired")),
        (lab.authority.certify("elsewhere.example"), Some("not valid for name")),
    ] {
        let port = front::before(plain.hosts(), &certified).await;
        let uri = format!("mongodb://{HOST}:{port}/?directConnection=true&tlsCAFile={}/ca.pem", lab.folder.display());
        let connecting = MongoBackend::connect(&uri, "shylock_tls");
        match says {
            None => works(connecting.await).await,
            Some(says) => refused(says, &[says], true, WITHIN, connecting).await,
        }
    }
}

/// Nothing but a handshake is ever sent where TLS was asked for, whatever the server says to it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_in_the_clear_to_a_server_without_tls() {
    let plain = Mongo::standalone().await;
    let tap = Tap::before(plain.hosts()).await;
    let uri = format!("mongodb://me:{CANARY}@{HOST}:{}/?directConnection=true&tls=true", tap.port);
    refused("a server without TLS", &["I/O error"], true, WITHIN, MongoBackend::connect(&uri, "shylock_tls")).await;
    tap.assert_heard_only_tls();
}
