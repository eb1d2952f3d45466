//! `list` and `show`: who holds which lock.

use std::io::IsTerminal;

use serde_json::{Value, json};
use shylock_core::LockManager;

use crate::{
    arguments::{List, Show},
    failure::Failure,
    output, store,
};

pub(crate) async fn list(List { prefix, json }: &List, named: Option<&str>) -> Result<u8, Failure> {
    let store = store::open(named).await?;
    let manager = LockManager::from(store.backend);
    let locks = store::repeat(|| async { Ok(manager.list(prefix).await?) }).await?;
    if *json {
        output::print_json(&Value::Array(locks.iter().map(output::as_json).collect()))?;
    } else if locks.is_empty() {
        let beginning = if prefix.is_empty() { String::new() } else { format!(" that begins with {prefix:?}") };
        if std::io::stdout().is_terminal() {
            output::print(&format!("Nobody holds a lock{beginning} in {}.", store.address.shown()))?;
        }
    } else {
        output::print(&output::table(&locks))?;
    }
    Ok(0)
}

pub(crate) async fn show(Show { name, json }: &Show, named: Option<&str>) -> Result<u8, Failure> {
    let store = store::open(named).await?;
    let manager = LockManager::from(store.backend);
    let held = store::repeat(|| async { Ok(manager.inspect(name).await?) }).await?;
    match &held {
        Some(info) if *json => output::print_json(&with_held(output::as_json(info)))?,
        Some(info) => output::print(&output::table(std::slice::from_ref(info)))?,
        None if *json => output::print_json(&json!({ "name": name, "held": false }))?,
        None => output::print(&format!("Nobody holds {}.", output::plain(name)))?,
    }
    Ok(u8::from(held.is_none()))
}

fn with_held(mut info: Value) -> Value {
    info["held"] = Value::Bool(true);
    info
}
