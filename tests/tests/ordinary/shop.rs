//! A web service: it takes one order of a customer at a time, whichever process the request reaches.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use shylock_core::{Error, LockManager};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    folder::{Folder, Inside},
    program::Part,
};

/// How long a request waits for the one before it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

pub(crate) async fn serve(part: &Part) {
    let shop = Shop { manager: part.manager().await, label: part.label.clone(), folder: part.folder.clone() };
    let manager = shop.manager.clone();
    let mut terminated = signal(SignalKind::terminate()).expect("a handler");
    let routes = Router::new().route("/customers/{customer}/orders/{id}/{work_ms}", post(order));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    part.say(listener.local_addr().expect("an address"));
    let service = axum::serve(listener, routes.with_state(Arc::new(shop)));
    let shutdown = async move {
        let _requested = terminated.recv().await;
    };
    service.with_graceful_shutdown(shutdown).await.expect("served");
    manager.close().await;
}

#[derive(Debug)]
struct Shop {
    manager: LockManager,
    label: String,
    folder: Folder,
}

impl Shop {
    fn desk(&self, customer: &str) -> PathBuf {
        self.folder.file(&format!("desk-of-{customer}"))
    }
}

async fn order(
    State(shop): State<Arc<Shop>>,
    Path((customer, id, work_ms)): Path<(String, u64, u64)>,
) -> Result<String, Refusal> {
    let mut entry = Entry::new(&shop, id);
    let done = take(&shop, &customer, Duration::from_millis(work_ms), &mut entry).await;
    entry.ends(done.as_ref().map_or_else(|refusal| refusal.0, |()| StatusCode::OK));
    done.map(|()| format!("order {id} is taken"))
}

async fn take(shop: &Shop, customer: &str, work: Duration, entry: &mut Entry<'_>) -> Result<(), Refusal> {
    let lock = shop.manager.lock(format!("customers/{customer}"));
    let guard = lock.acquire_timeout(PATIENCE).await?;
    entry.note("works");
    let inside = Inside::enter(&shop.desk(customer))?;
    sleep(work).await;
    drop(inside);
    Ok(guard.release().await?)
}

/// What is noted of a request, which ends with an answer, or because its client has gone.
#[derive(Debug)]
struct Entry<'a> {
    shop: &'a Shop,
    id: u64,
    ended: bool,
}

impl<'a> Entry<'a> {
    fn new(shop: &'a Shop, id: u64) -> Self {
        let entry = Self { shop, id, ended: false };
        entry.note("began");
        entry
    }

    fn note(&self, what: &str) {
        self.shop.folder.note(&format!("{} {} {what}", self.shop.label, self.id));
    }

    fn ends(&mut self, status: StatusCode) {
        self.ended = true;
        self.note(status.as_str());
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.note("gone");
        }
    }
}

#[derive(Debug)]
struct Refusal(StatusCode, String);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout { holder: Some(holder), .. } => Self(StatusCode::CONFLICT, holder.to_string()),
            error => Self(StatusCode::SERVICE_UNAVAILABLE, format!("{error:?}")),
        }
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}
