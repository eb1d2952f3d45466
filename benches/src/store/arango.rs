//! What only ArangoDB needs: an address with a login, a database that is made, requests past the library.

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use shylock_arango::{ArangoBackend, Credentials};

use super::Address;
use crate::outcome::Outcome;

#[derive(Clone)]
pub(crate) struct ArangoStore {
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
}

impl ArangoStore {
    pub(crate) async fn connect(&self) -> Outcome<ArangoBackend> {
        let Self { url, user, password, database } = self;
        let builder = ArangoBackend::builder().create_database(true);
        Ok(builder.connect(url, database, Credentials::password(user, password)).await?)
    }

    pub(crate) fn address(&self) -> Address {
        let (url, user, password) = (self.url.clone(), self.user.clone(), self.password.clone());
        Address::Arango { url, user, password }
    }

    pub(crate) async fn description(&self) -> String {
        let version = match self.version().await {
            Ok(version) => version,
            Err(error) => format!("of unknown version ({error})"),
        };
        format!("- store: ArangoDB {version}\n- write concern: waitForSync")
    }

    pub(crate) async fn clean_up(&self) -> Outcome<()> {
        let name = &self.database;
        let answer = send(self.request(Method::DELETE, &format!("/_api/database/{name}"))).await?;
        // It was made with the first connection, if there was one.
        if !answer.status().is_success() && answer.status().as_u16() != 404 {
            return Err(format!("the database {name} is left behind: {}", answer.status()).into());
        }
        Ok(())
    }

    async fn version(&self) -> Outcome<String> {
        let answer = send(self.request(Method::GET, "/_api/version")).await?;
        let answer: Value = serde_json::from_str(&answer.text().await?)?;
        Ok(answer["version"].as_str().ok_or("the server does not tell")?.to_owned())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = Client::new().request(method, format!("{}/_db/_system{path}", self.url));
        request.basic_auth(&self.user, Some(&self.password))
    }
}

/// Without the address in an error: somebody may have put a password into it.
async fn send(request: RequestBuilder) -> Outcome<Response> {
    Ok(request.send().await.map_err(reqwest::Error::without_url)?)
}
