//! What tests of ArangoDB hold in their hands.

use std::{
    env, fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use arango_server::{ArangoServer, Level, Rights};
use serde_json::{Value, json};
use shylock_arango::{ArangoBackend, ArangoBuilder, Credentials};
use tokio::sync::OnceCell;

use super::{
    container::Container,
    source::{GIVEN, Source},
};
use crate::servers::{Result, report, runtime, unique};

/// An ArangoDB server, and the user who may do anything.
#[derive(Clone)]
pub struct Arango {
    urls: Vec<String>,
    user: String,
    password: String,
    _running: Arc<Running>,
    /// How many backends there have been.
    backends: Arc<AtomicUsize>,
}

#[expect(dead_code, reason = "what runs does so until it is dropped")]
enum Running {
    Elsewhere,
    Container(Box<Container>),
    TestServer(ArangoServer),
}

static SHARED: OnceCell<Result<Arango>> = OnceCell::const_new();

impl Arango {
    /// The server of this process, printed with where it comes from.
    ///
    /// # Panics
    ///
    /// There is none to be had.
    pub async fn start() -> Self {
        crate::trace();
        let server = SHARED.get_or_init(|| runtime::run(start())).await.clone();
        server.unwrap_or_else(|failure| panic!("shylock-tests: no ArangoDB: {failure}"))
    }

    /// This test server. The user may do anything there, or everybody may.
    #[must_use]
    pub fn of(server: ArangoServer, user: &str, password: &str) -> Self {
        crate::trace();
        let (urls, running) = (server.endpoints(), Running::TestServer(server));
        Self::new(urls, user.into(), password.into(), running)
    }

    /// Its address, the first if there are several, without the password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.urls[0]
    }

    /// The user who may do anything.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password of that user.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The two of them.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials::password(&self.user, &self.password)
    }

    /// A backend on a database, which is made where it is missing. Each asks the next of the server's endpoints.
    ///
    /// # Panics
    ///
    /// The server does not take it.
    pub async fn backend(&self, database: &str, builder: ArangoBuilder) -> ArangoBackend {
        let url = &self.urls[self.backends.fetch_add(1, Ordering::Relaxed) % self.urls.len()];
        let connecting = builder.create_database(true).connect(url, database, self.credentials());
        connecting.await.expect("connected")
    }

    /// The skew allowance that the backend has here unless told otherwise.
    ///
    /// # Panics
    ///
    /// The server does not answer.
    pub async fn skew_allowance(&self) -> Duration {
        let role = reqwest::Client::new().get(format!("{}/_admin/server/role", self.url()));
        let answer = role.basic_auth(&self.user, Some(&self.password)).send().await.expect("answered");
        let answer: Value = answer.json().await.unwrap_or_default();
        if answer["role"] == "COORDINATOR" { Duration::from_millis(250) } else { Duration::ZERO }
    }

    /// The rows that a query of a test's own answers.
    ///
    /// # Panics
    ///
    /// The server refuses it.
    pub async fn query(&self, database: &str, aql: &str, binds: Value) -> Vec<Value> {
        let request = reqwest::Client::new().post(format!("{}/_db/{database}/_api/cursor", self.url()));
        let request = request.basic_auth(&self.user, Some(&self.password));
        let answer = request.json(&json!({ "query": aql, "bindVars": binds })).send().await.expect("answered");
        let mut answer: Value = answer.json().await.expect("JSON");
        match answer["result"].take() {
            Value::Array(rows) => rows,
            _ => panic!("{aql}: {answer}"),
        }
    }

    fn new(urls: Vec<String>, user: String, password: String, running: Running) -> Self {
        Self { urls, user, password, _running: Arc::new(running), backends: Arc::default() }
    }
}

async fn start() -> Result<Arango> {
    let source = Source::choose().await;
    let (url, user, password, running) = match source {
        Source::Given => given()?,
        Source::OfficialImage => {
            let container = Container::start().await?;
            let (url, password) = (container.url.clone(), container.password.clone());
            (url, "root".into(), password, Running::Container(Box::new(container)))
        }
        Source::TestServer => {
            let password = unique::password();
            let server = ArangoServer::builder().user("root", &password, Rights::new(Level::ReadWrite)).start();
            let server = server.map_err(|error| error.to_string())?;
            (server.url(), "root".into(), password, Running::TestServer(server))
        }
    };
    report::line(&format!("{source}, {url}"));
    Ok(Arango::new(vec![url], user, password, running))
}

/// `http://user:password@host:port`.
fn given() -> Result<(String, String, String, Running)> {
    let text = env::var(GIVEN).map_err(|error| error.to_string())?;
    let unfit = || format!("{GIVEN} is no address with user and password");
    let mut url = reqwest::Url::parse(&text).map_err(|_| unfit())?;
    let (user, password) = (url.username().to_owned(), url.password().unwrap_or_default().to_owned());
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| unfit())?;
    Ok((url.as_str().trim_end_matches('/').to_owned(), user, password, Running::Elsewhere))
}

impl fmt::Debug for Arango {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arango({})", self.url()) // not the password
    }
}
