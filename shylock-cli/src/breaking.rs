//! `break`: frees a lock, whoever holds it.

use std::io::{self, IsTerminal, Write};

use serde_json::json;
use shylock_core::LockManager;

use crate::{arguments::Break, failure::Failure, output, store};

pub(crate) async fn break_lock(Break { name, yes, json }: &Break, told: Option<&str>) -> Result<u8, Failure> {
    let store = store::open(told).await?;
    let manager = LockManager::from(store.backend);
    let Some(holder) = manager.inspect(name).await? else {
        if *json {
            output::print_json(&json!({ "name": name, "broken": false }));
        } else {
            println!("Nobody holds {}.", output::plain(name));
        }
        return Ok(0);
    };
    if !*yes && !agreed(&format!("Take {} away from {}?", output::plain(name), output::who(&holder)))? {
        println!("It stays held.");
        return Ok(1);
    }
    let broken = manager.force_break(name).await?;
    match broken {
        Some(info) if *json => {
            output::print_json(&json!({ "name": name, "broken": true, "holder": output::as_json(&info) }))
        }
        None if *json => output::print_json(&json!({ "name": name, "broken": false })),
        Some(info) => {
            println!("{} is free. {} held it, with token {}.", output::plain(name), output::who(&info), info.token);
            println!("It is told with its next renewal; until then it may go on with its work.");
        }
        None => println!("{} came free by itself.", output::plain(name)),
    }
    Ok(0)
}

fn agreed(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(
            Failure::usage("there is nobody to ask whether it shall be broken").with_hint("--yes does it unasked")
        );
    }
    print!("{question} [y/N] ");
    let mut answer = String::new();
    let read = io::stdout().flush().and_then(|()| io::stdin().read_line(&mut answer));
    read.map_err(|error| Failure::system("no answer", &error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
