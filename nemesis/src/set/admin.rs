//! What is asked of the replica set, and of its members one by one.

use std::time::{Duration, Instant};

use mongodb::{
    Client,
    bson::{Document, doc},
    options::ClientOptions,
};
use tokio::time::{sleep, timeout};

use crate::{
    Result,
    lab::{Host, NODES},
};

/// Its name.
pub const NAME: &str = "nemesis";

/// Members that can be asked. The nemesis reaches them over wires that it never cuts.
#[derive(Debug, Clone)]
pub struct Set {
    members: Vec<Client>,
}

impl Set {
    /// The address for workers.
    #[must_use]
    pub fn uri() -> String {
        let hosts: Vec<String> = NODES.iter().map(|node| format!("{}:27017", node.address())).collect();
        format!("mongodb://{}/?replicaSet={NAME}", hosts.join(","))
    }

    /// Clients of the members, each for one.
    ///
    /// # Errors
    /// An address is none.
    pub async fn connect() -> Result<Self> {
        let mut members = Vec::new();
        for node in NODES {
            let mut options = ClientOptions::parse(format!("mongodb://{}/", node.back_door())).await?;
            options.direct_connection = Some(true);
            options.server_selection_timeout = Some(Duration::from_secs(1));
            options.connect_timeout = Some(Duration::from_secs(1));
            options.heartbeat_freq = Some(Duration::from_millis(500));
            members.push(Client::with_options(options)?);
        }
        Ok(Self { members })
    }

    /// Makes a set of them, and waits until it works.
    ///
    /// # Errors
    /// It does not come to work within a minute.
    pub async fn initiate(&self) -> Result<()> {
        let members = (0_i32..).zip(NODES).map(|(id, node)| {
            doc! { "_id": id, "host": format!("{}:27017", node.address()), "priority": 1 }
        });
        let settings = doc! { "electionTimeoutMillis": 1500, "heartbeatIntervalMillis": 300 };
        let members: Vec<Document> = members.collect();
        let command = doc! { "replSetInitiate": { "_id": NAME, "members": members, "settings": settings } };
        let begin = Instant::now();
        while let Err(error) = self.ask(0, command.clone()).await {
            // An answer that took too long may have been a yes.
            if error.to_string().contains("AlreadyInitialized") {
                break;
            }
            if begin.elapsed() > Duration::from_secs(60) {
                return Err(error);
            }
            sleep(Duration::from_millis(200)).await;
        }
        self.healthy(Duration::from_secs(60)).await.map(drop)
    }

    /// The member that is primary, as it says itself; the one that a majority knows, where two say so.
    pub async fn primary(&self) -> Option<usize> {
        let mut found: Option<(usize, [u8; 12])> = None;
        for member in 0..self.members.len() {
            let Ok(hello) = self.ask(member, doc! { "hello": 1 }).await else { continue };
            // It has the number of the election at its end.
            let election = hello.get_object_id("electionId").map(|id| id.bytes()).unwrap_or_default();
            if hello.get_bool("isWritablePrimary").unwrap_or(false) && found.is_none_or(|(_, known)| election > known) {
                found = Some((member, election));
            }
        }
        found.map(|(member, _)| member)
    }

    /// Waits until a majority confirms writes and all members are there. Answers the primary.
    ///
    /// # Errors
    /// That takes longer than it may.
    pub async fn healthy(&self, within: Duration) -> Result<usize> {
        let begin = Instant::now();
        loop {
            if let Some(primary) = self.primary().await
                && self.confirms(primary).await
                && self.all_there(primary).await
            {
                return Ok(primary);
            }
            if begin.elapsed() > within {
                return Err("the replica set does not come to work again".into());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Has a secondary stand for election, so that the primary steps down.
    ///
    /// # Errors
    /// It is not elected.
    pub async fn step_up(&self, member: usize) -> Result<()> {
        self.ask(member, doc! { "replSetStepUp": 1 }).await.map(drop)
    }

    /// Has the primary step down, and not stand for election for these seconds.
    ///
    /// # Errors
    /// It does not.
    pub async fn step_down(&self, member: usize, seconds: i32) -> Result<()> {
        let command = doc! { "replSetStepDown": seconds, "secondaryCatchUpPeriodSecs": 1.min(seconds) };
        self.ask(member, command).await.map(drop)
    }

    /// Its client.
    #[must_use]
    pub fn member(&self, member: usize) -> &Client {
        &self.members[member]
    }

    /// Its host.
    #[must_use]
    pub fn host(member: usize) -> Host {
        NODES[member]
    }

    async fn confirms(&self, primary: usize) -> bool {
        let write = doc! {
            "update": "health",
            "updates": [{ "q": { "_id": 1 }, "u": { "$inc": { "n": 1 } }, "upsert": true }],
            "writeConcern": { "w": "majority", "wtimeout": 500 },
        };
        let database = self.members[primary].database("nemesis");
        let written = timeout(Duration::from_secs(1), async { database.run_command(write).await });
        written.await.is_ok_and(|reply| reply.is_ok_and(|reply| reply.get_document("writeConcernError").is_err()))
    }

    async fn all_there(&self, primary: usize) -> bool {
        let Ok(status) = self.ask(primary, doc! { "replSetGetStatus": 1 }).await else { return false };
        let Ok(members) = status.get_array("members") else { return false };
        let state = |member: &mongodb::bson::Bson| member.as_document().and_then(|m| m.get_i32("state").ok());
        members.iter().all(|member| matches!(state(member), Some(1 | 2)))
    }

    async fn ask(&self, member: usize, command: Document) -> Result<Document> {
        let database = self.members[member].database("admin");
        Ok(timeout(Duration::from_secs(3), async { database.run_command(command).await }).await??)
    }
}
