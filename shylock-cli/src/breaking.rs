//! `break`: frees a lock, whoever holds it, and whatever its record has become.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};
use shylock_core::{Error, LockInfo, LockManager};

use crate::{arguments::Break, failure::Failure, output, store};

/// What stands in the way.
enum Found {
    Held(LockInfo),
    /// Why its record is none of ours.
    Corrupt(String),
}

pub(crate) async fn break_lock(options: &Break, store_url: Option<&str>) -> Result<u8, Failure> {
    let store = store::open(store_url).await?;
    let manager = LockManager::from(store.backend);
    let shown = output::plain(&options.name);
    loop {
        let Some(found) = look(&manager, &options.name).await? else {
            report(options, &json!({ "broken": false }), &format!("Nobody holds {shown}."))?;
            return Ok(0);
        };
        if !options.yes && !agreed(&found.question(&shown))? {
            output::print(if let Found::Held(_) = found { "It stays held." } else { "It stays corrupt." })?;
            return Ok(1);
        }
        let done = match &found {
            Found::Held(info) => manager.force_release(info).await?,
            Found::Corrupt(_) => manager.repair(&options.name).await?,
        };
        if done {
            manager.close().await;
            let (object, text) = found.outcome(&shown);
            report(options, &object, &text)?;
            return Ok(0);
        }
        // Whoever has it by now was not asked about.
        if !options.yes {
            return Err(Failure::conflict(1, format!("{shown} has another holder by now; nothing was done")));
        }
    }
}

async fn look(manager: &LockManager, name: &str) -> Result<Option<Found>, Error> {
    match manager.inspect(name).await {
        Ok(held) => Ok(held.map(Found::Held)),
        Err(Error::CorruptRecord { detail, .. }) => Ok(Some(Found::Corrupt(detail))),
        Err(error) => Err(error),
    }
}

impl Found {
    fn question(&self, shown: &str) -> String {
        match self {
            Self::Held(info) => format!("Take {shown} away from {}?", output::who(info)),
            Self::Corrupt(detail) => {
                format!("The record of {shown} is corrupt: {}. Make a free lock of it?", output::plain(detail))
            }
        }
    }

    /// As JSON and for people.
    fn outcome(&self, shown: &str) -> (Value, String) {
        match self {
            Self::Held(info) => (
                json!({ "broken": true, "holder": output::as_json(info) }),
                format!(
                    "{shown} is free. {} held it, with token {}.\nIt is notified with its next renewal, and goes on with its \
                     work until then; a command of `shylock run` is killed.",
                    output::who(info),
                    info.token
                ),
            ),
            Self::Corrupt(detail) => (
                json!({ "broken": true, "corrupt": detail }),
                format!("{shown} is free. Its record was corrupt: {}.", output::plain(detail)),
            ),
        }
    }
}

fn report(Break { name, json, .. }: &Break, object: &Value, text: &str) -> Result<(), Failure> {
    if !json {
        return output::print(text);
    }
    let mut object = object.clone();
    object["name"] = name.as_str().into();
    output::print_json(&object)
}

fn agreed(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(
            Failure::usage("there is nobody to ask whether it shall be broken").with_hint("--yes does it unasked")
        );
    }
    let mut answer = String::new();
    let asked = write!(io::stdout(), "{question} [y/N] ").and_then(|()| io::stdout().flush());
    let read = asked.and_then(|()| io::stdin().read_line(&mut answer));
    read.map_err(|error| Failure::system("no answer", &error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
