//! Connection strings, taken apart so that no password gets where it should not.

use std::fmt::Write;

use mongodb::{Client, bson::Document};

use super::failure::{Result, While};

/// `scheme://user:password@hosts/?options`.
#[derive(Clone)]
pub(crate) struct ConnectionString {
    scheme: String,
    user: Option<String>,
    hosts: String,
    database: String,
    options: Vec<String>,
}

impl ConnectionString {
    /// One without a user.
    pub(crate) fn of(hosts: &str, option: &str) -> Self {
        Self {
            scheme: "mongodb".to_owned(),
            user: None,
            hosts: hosts.to_owned(),
            database: String::new(),
            options: vec![option.to_owned()],
        }
    }

    /// Takes one apart. It is the driver's part to say whether it is a good one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        if options.contains('@') {
            return None; // the '?' is part of a password, which the driver would call a port
        }
        // From the right, as a password may contain what it should not, and must not become a host.
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user.to_owned()), rest),
            None => (None, rest),
        };
        let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
        let options = options.split('&').filter(|option| !option.is_empty());
        Some(Self {
            scheme: scheme.to_owned(),
            user,
            hosts: hosts.to_owned(),
            database: database.to_owned(),
            options: options.map(str::to_owned).collect(),
        })
    }

    /// The same for a user of the database `admin`.
    pub(crate) fn with_user(&self, user: &str, password: &str) -> Self {
        let mut changed = self.clone();
        changed.user = Some(format!("{}:{}", encode(user), encode(password)));
        let is_other_user = |option: &String| option.to_lowercase().starts_with("auth");
        changed.options.retain(|option| !is_other_user(option));
        changed.options.push("authSource=admin".to_owned());
        changed
    }

    /// The same with these options as well.
    pub(crate) fn with_options(mut self, options: &str) -> Self {
        self.options.extend(options.split('&').filter(|option| !option.is_empty()).map(str::to_owned));
        self
    }

    /// The hosts, which are no secret.
    pub(crate) fn hosts(&self) -> &str {
        &self.hosts
    }

    /// All of it, with the password.
    pub(crate) fn secret(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("{user}@"));
        format!(
            "{}://{}{}/{}?{}",
            self.scheme,
            user.unwrap_or_default(),
            self.hosts,
            self.database,
            self.options.join("&")
        )
    }

    /// Runs a command of the database `admin` with a client of its own.
    pub(crate) async fn run(&self, command: Document) -> Result<Document> {
        let client = Client::with_uri_str(self.secret()).await;
        let client = client.or_say(|| "bad connection string".to_owned())?;
        let answer = client.database("admin").run_command(command).await;
        client.shutdown().immediate(true).await;
        answer.or_say(|| self.hosts.clone())
    }
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() {
            true => encoded.push(byte.into()),
            false => write!(encoded, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::ConnectionString;

    #[test]
    fn they_come_together_as_they_were() {
        for text in [
            "mongodb://a:1,b:2/?replicaSet=x&w=1",
            "mongodb://me:pass%40@a/admin?tls=true",
            "mongodb+srv://me:p@example.com/?",
        ] {
            let parsed = ConnectionString::parse(text).expect("a connection string");
            assert_eq!(parsed.secret(), text);
        }
        for text in ["localhost:27017", "mongodb://me:sec?ret@a/"] {
            assert!(ConnectionString::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn another_user_takes_the_place_of_the_first() {
        let text = "mongodb://me:secret@a/x?authSource=x&AuthMechanism=PLAIN&tls=true";
        let parsed = ConnectionString::parse(text).expect("a connection string");
        let other = parsed.with_user("you & me", "p@ss/w:rd?");
        let expected = "mongodb://you%20%26%20me:p%40ss%2Fw%3Ard%3F@a/x?tls=true&authSource=admin";
        assert_eq!(other.secret(), expected);
    }

    #[test]
    fn passwords_are_no_hosts() {
        for text in ["mongodb://me:s@cr@t@a/", "mongodb://me:s/cr/t@a/", "mongodb://me@a"] {
            let parsed = ConnectionString::parse(text).expect("a connection string");
            assert_eq!(parsed.hosts(), "a", "{text}");
        }
    }
}
