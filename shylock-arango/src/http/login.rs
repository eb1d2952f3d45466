//! Logging in: once for all who wait for it, again before a token expires, and when the server says that it has.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::Method;
use serde_json::json;
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::Instant,
};

use super::{
    Shared,
    pass::{self, Pass},
};
use crate::{
    credentials::{Credentials, Kind},
    error::RequestError,
    reply::Call,
};

/// The current token, and who is getting the next.
pub(crate) struct Login {
    credentials: Credentials,
    current: Mutex<Current>,
    /// Held by the one who logs in. Counts the attempts and keeps the outcome of the last one that failed.
    desk: Arc<AsyncMutex<Desk>>,
}

#[derive(Default)]
struct Current {
    pass: Option<Pass>,
    renew_at: Option<Instant>,
    attempts: u64,
}

#[derive(Default)]
struct Desk {
    failure: Option<Arc<RequestError>>,
}

/// The pause between two attempts to renew a token that still works.
const PAUSE: Duration = Duration::from_secs(1);

impl Login {
    /// `None` if the credentials cannot stand in a header.
    pub(crate) fn new(credentials: Credentials) -> Option<Self> {
        let fixed = match &credentials.0 {
            Kind::Nothing | Kind::Login { .. } => None,
            Kind::Basic { user, password } => Some(pass::basic(user, password)?),
            Kind::Bearer(token) => Some(pass::bearer(token)?),
        };
        let pass = fixed.map(|header| Pass { header, number: 0 });
        let current = Current { pass, ..Current::default() };
        Some(Self { credentials, current: Mutex::new(current), desk: Arc::default() })
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn can_renew(&self) -> bool {
        matches!(self.credentials.0, Kind::Login { .. })
    }
}

impl Shared {
    /// What to send along with a request; logs in if that has not happened yet.
    pub(crate) async fn pass(self: &Arc<Self>) -> Result<Option<Pass>, RequestError> {
        let pass = self.login.current().pass.clone();
        if !self.login.can_renew() {
            return Ok(pass);
        }
        match pass {
            Some(pass) => {
                self.renew_in_time();
                Ok(Some(pass))
            }
            None => self.pass_after(None).await,
        }
    }

    /// What to send after the server has refused this one; `None` if there is nothing else to send.
    ///
    /// Of all who ask at once, one logs in; the others share what came of it.
    pub(crate) async fn pass_after(self: &Arc<Self>, refused: Option<&Pass>) -> Result<Option<Pass>, RequestError> {
        if !self.login.can_renew() {
            return Ok(None);
        }
        let before = self.login.current().attempts;
        let mut desk = Arc::clone(&self.login.desk).lock_owned().await;
        let (pass, attempts) = {
            let current = self.login.current();
            (current.pass.clone(), current.attempts)
        };
        if let Some(pass) = pass.filter(|pass| refused.is_none_or(|refused| pass.number > refused.number)) {
            return Ok(Some(pass));
        }
        let shared = desk.failure.clone().filter(|_| attempts > before);
        match shared {
            Some(source) => Err(RequestError::Login { source }),
            None => self.log_in(&mut desk).await.map(Some),
        }
    }

    /// Gets a new token in the background when three quarters of the current one's life are over.
    fn renew_in_time(self: &Arc<Self>) {
        let now = Instant::now();
        if self.login.current().renew_at.is_none_or(|at| at > now) {
            return;
        }
        let Ok(mut desk) = Arc::clone(&self.login.desk).try_lock_owned() else { return };
        self.login.current().renew_at = Some(now + PAUSE);
        let this = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = this.log_in(&mut desk).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the token for ArangoDB could not be renewed; the old one is used on");
            }
        });
    }

    async fn log_in(&self, desk: &mut OwnedMutexGuard<Desk>) -> Result<Pass, RequestError> {
        let since = Instant::now();
        let answer = self.ask_for_token().await;
        let mut current = self.login.current();
        current.attempts += 1;
        match answer {
            Ok((header, lifetime)) => {
                let pass = Pass { header, number: current.attempts };
                current.renew_at = lifetime.and_then(|lifetime| since.checked_add(lifetime.mul_f64(0.75)));
                current.pass = Some(pass.clone());
                desk.failure = None;
                Ok(pass)
            }
            Err(error) => {
                let source = Arc::new(error);
                desk.failure = Some(Arc::clone(&source));
                Err(RequestError::Login { source })
            }
        }
    }

    async fn ask_for_token(&self) -> Result<(http::HeaderValue, Option<Duration>), RequestError> {
        let Kind::Login { user, password } = &self.login.credentials.0 else {
            return Err(RequestError::Unfit {
                option: "credentials",
                reason: "there is nothing to log in with".into(),
            });
        };
        let body = json!({ "username": user, "password": password }).to_string();
        let call = Call { method: Method::POST, path: "/_open/auth".into(), body };
        let reply = self.deliver(&call, None).await?;
        let unfit = |what| RequestError::Unreadable { status: reply.status, what };
        if reply.status == 404 {
            // There is no login where nobody has to show who he is.
            let header = pass::basic(user, password).ok_or_else(|| unfit("no login"))?;
            return Ok((header, None));
        }
        let answer = reply.read()?;
        let token = answer["jwt"].as_str().ok_or_else(|| unfit("a login without a token"))?;
        let header = pass::bearer(token).ok_or_else(|| unfit("a token that no header can hold"))?;
        Ok((header, pass::lifetime(token)))
    }
}
