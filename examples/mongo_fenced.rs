//! A holder that sleeps past its lease, and whose late writes are refused: `mongo_fenced mongodb://HOST/`.
//!
//! The program starts itself once more as the first holder, stops that process (SIGSTOP), takes the lock over when its
//! lease has ended, writes, and wakes it (SIGCONT). No lock can keep a process from acting on what it knew before it was
//! stopped; the data can refuse it. For systems with the command `kill`.

use std::{
    env,
    error::Error,
    io::{BufRead, BufReader, Write, stdin},
    process::{Child, Command, Stdio},
    time::Duration,
};

use shylock_mongo::{
    AsyncLockGuard, Fence, LockManager, MongoBackend, fenced,
    mongodb::{
        Client, Collection,
        bson::{Document, doc},
    },
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const TTL: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let uri = arguments.next().unwrap_or_else(|| "mongodb://localhost:27017".into());
    let client = Client::with_uri_str(&uri).await?;
    let invoices = client.database("shylock_examples").collection::<Document>("invoices");
    let manager = LockManager::new(MongoBackend::connect(&uri, "shylock_examples").await?);
    let guard = |who: &'static str| {
        let lock = manager.lock("invoice-42").with_ttl(TTL);
        async move {
            let guard = lock.acquire().await?;
            println!("{who} holds the lock with token {}", guard.token());
            Ok::<_, shylock_mongo::Error>(guard)
        }
    };
    if arguments.next().as_deref() == Some("first") {
        return late_writes(&client, &invoices, &guard("first").await?).await;
    }

    let unpaid = doc! { "_id": 42, "paid_by": "nobody" };
    invoices.replace_one(doc! { "_id": 42 }, unpaid).upsert(true).await?;
    let mut first =
        Command::new(env::current_exe()?).args([&uri, "first"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut says = BufReader::new(first.stdout.take().expect("piped")).lines();
    println!("{}", says.next().expect("it says that it holds the lock")?);
    signal(&first, "STOP")?;
    println!("first is stopped");

    let second = guard("second").await?;
    let written = write_in_transaction(&client, &invoices, &second, "second").await;
    println!("second writes in a transaction: {}", written.map_or_else(|error| error.to_string(), |()| "done".into()));

    signal(&first, "CONT")?;
    println!("first goes on");
    writeln!(first.stdin.take().expect("piped"), "write")?;
    for line in says {
        println!("{}", line?);
    }
    first.wait()?;
    let invoice = invoices.find_one(doc! { "_id": 42 }).await?.expect("it is there");
    println!("the invoice was paid by {}", invoice.get_str("paid_by")?);
    second.release().await?;
    Ok(())
}

/// What the first holder does when it wakes: it does not ask first whether the lock is still its own.
async fn late_writes(client: &Client, invoices: &Collection<Document>, guard: &AsyncLockGuard) -> Result<()> {
    stdin().lock().lines().next().expect("it is told to write")?;

    // One write: the document refuses a token that is smaller than the one in it.
    let paid = doc! { "$set": { "paid_by": "first" } };
    let (filter, update) = fenced(guard.token(), doc! { "_id": 42 }, paid);
    let matched = invoices.update_one(filter, update).await?.matched_count;
    println!("first writes with its token: {}", if matched == 0 { "refused" } else { "done" });

    // Several writes in one transaction, which the loss of the lock aborts.
    let written = write_in_transaction(client, invoices, guard, "first").await;
    println!("first writes in a transaction: {}", written.map_or_else(|error| error.to_string(), |()| "done".into()));
    Ok(())
}

async fn write_in_transaction(
    client: &Client,
    invoices: &Collection<Document>,
    guard: &AsyncLockGuard,
    who: &str,
) -> Result<()> {
    let mut session = client.start_session().await?;
    session.start_transaction().await?;
    guard.fence(&mut session).await?;
    // The token goes into the document as well, for those who write without a transaction.
    let (filter, update) = fenced(guard.token(), doc! { "_id": 42 }, doc! { "$set": { "paid_by": who } });
    invoices.update_one(filter, update).session(&mut session).await?;
    session.commit_transaction().await?;
    Ok(())
}

fn signal(process: &Child, signal: &str) -> Result<()> {
    let done = Command::new("kill").args([format!("-{signal}"), process.id().to_string()]).status()?;
    done.success().then_some(()).ok_or_else(|| format!("`kill -{signal}` failed").into())
}
