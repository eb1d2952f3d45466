//! Accounts on servers that ask for a password.

use mongodb::bson::{Bson, Document, doc};

use super::{connection_string::ConnectionString, failure::Result, unique};

/// Creates the first account, of an almighty user with a password nobody else knows: a server
/// without accounts lets local clients do so. Returns the connection string of that user.
pub(crate) async fn create_root(server: &ConnectionString) -> Result<ConnectionString> {
    let password = unique::password();
    let command = doc! { "createUser": "root", "pwd": &password, "roles": ["root"] };
    server.run(command).await?;
    Ok(server.with_user("root", &password))
}

/// Creates a user who may do what `privileges` say, and nothing else.
pub(crate) async fn create_user(
    server: &ConnectionString,
    user: &str,
    password: &str,
    privileges: Vec<Document>,
) -> Result<()> {
    let role = format!("role of {user}");
    let no_roles = Bson::Array(Vec::new());
    let command = doc! { "createRole": &role, "privileges": privileges, "roles": no_roles };
    server.run(command).await?;
    let command = doc! { "createUser": user, "pwd": password, "roles": [role] };
    server.run(command).await?;
    Ok(())
}
