//! `break`: frees a lock, whoever holds it.

use std::io::{self, IsTerminal, Write};

use serde_json::json;
use shylock_core::LockManager;

use crate::{arguments::Break, failure::Failure, output, store};

pub(crate) async fn break_lock(Break { name, yes, json }: &Break, told: Option<&str>) -> Result<u8, Failure> {
    let store = store::open(told).await?;
    let manager = LockManager::from(store.backend);
    let shown = output::plain(name);
    if !*yes {
        let Some(holder) = manager.inspect(name).await? else {
            output::print(&format!("Nobody holds {shown}."))?;
            return Ok(0);
        };
        if !agreed(&format!("Take {shown} away from {}?", output::who(&holder)))? {
            output::print("It stays held.")?;
            return Ok(1);
        }
        // Whoever has it by now was not asked about.
        if manager.inspect(name).await?.is_some_and(|now| now.token != holder.token) {
            return Err(Failure::conflict(1, format!("{shown} has another holder by now; nothing was done")));
        }
    }
    let broken = manager.force_break(name).await?;
    match broken {
        Some(info) if *json => {
            output::print_json(&json!({ "name": name, "broken": true, "holder": output::as_json(&info) }))?;
        }
        None if *json => output::print_json(&json!({ "name": name, "broken": false }))?,
        Some(info) => output::print(&format!(
            "{shown} is free. {} held it, with token {}.\nIt is told with its next renewal, and goes on with its work until \
             then; a command of `shylock run` is killed.",
            output::who(&info),
            info.token
        ))?,
        None => output::print(&format!("Nobody holds {shown}."))?,
    }
    Ok(0)
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
