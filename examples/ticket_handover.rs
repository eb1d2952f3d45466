//! A web handler takes a lock, answers at once, and hands the held lock to a worker: `ticket_handover mongodb://HOST/`.
//!
//! `POST` takes the lock of the path and answers 202, or 409 while somebody has it. The work is done by another process,
//! which gets the lock as a ticket on its stdin, and goes on with the same token.

use std::{env, error::Error, process::Stdio, time::Duration};

use shylock_mongo::{LockManager, LockTicket, MongoBackend};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, stdin},
    net::{TcpListener, TcpStream},
    process::{ChildStdin, Command},
    time::sleep,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Short, so that the work takes longer than a lease.
const TTL: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let uri = arguments.next().unwrap_or_else(|| "mongodb://localhost:27017".into());
    let manager = LockManager::builder(MongoBackend::connect(&uri, "shylock_examples").await?).ttl(TTL).build()?;
    if arguments.next().as_deref() == Some("worker") {
        return work(&manager).await;
    }

    let mut worker = Command::new(env::current_exe()?);
    let mut worker = worker.args([&uri, "worker"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let queue = worker.stdin.take().expect("piped");
    let mut says = BufReader::new(worker.stdout.take().expect("piped")).lines();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = serve(listener, manager, queue);
    let client = async {
        println!("a first request is answered {}", post(address).await?);
        println!("{}", says.next_line().await?.expect("the worker has resumed it"));
        println!("a second request is answered {}", post(address).await?);
        println!("{}", says.next_line().await?.expect("the worker is done"));
        println!("a third request is answered {}", post(address).await?);
        Result::Ok(())
    };
    // The server ends with its client, and its end of the queue with it; so the worker comes to its end, too.
    tokio::select! {
        failed = server => failed,
        done = client => done,
    }?;
    while let Some(line) = says.next_line().await? {
        println!("{line}");
    }
    worker.wait().await?;
    Ok(())
}

/// The web server, as small as it gets.
async fn serve(listener: TcpListener, manager: LockManager, mut queue: ChildStdin) -> Result<()> {
    loop {
        let (mut browser, _) = listener.accept().await?;
        let mut head = BufReader::new(&mut browser).lines();
        let request = head.next_line().await?.unwrap_or_default();
        while head.next_line().await?.is_some_and(|header| !header.is_empty()) {}
        let status = match request.split(' ').nth(1) {
            Some(path) => handle(path, &manager, &mut queue).await?,
            None => "400 Bad Request",
        };
        browser.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await?;
    }
}

async fn handle(path: &str, manager: &LockManager, queue: &mut ChildStdin) -> Result<&'static str> {
    let Some(guard) = manager.lock(path).try_acquire().await? else { return Ok("409 Conflict") };
    println!("the handler holds {path} with token {}", guard.token());
    // From here on the ticket is the lock: whoever reads it can renew and release it.
    let ticket = serde_json::to_string(&guard.detach())?;
    queue.write_all(format!("{ticket}\n").as_bytes()).await?;
    Ok("202 Accepted")
}

/// The other process. A ticket that comes too late, after the lease has ended, is refused.
async fn work(manager: &LockManager) -> Result<()> {
    let mut queue = BufReader::new(stdin()).lines();
    while let Some(line) = queue.next_line().await? {
        let ticket: LockTicket = serde_json::from_str(&line)?;
        let guard = manager.resume(ticket).await?;
        println!("the worker holds {} with token {}", guard.name(), guard.token());
        sleep(TTL + Duration::from_secs(1)).await; // renewed in the background
        guard.ensure_held()?;
        let token = guard.token();
        guard.release().await?;
        println!("the worker is done with token {token}");
    }
    Ok(())
}

async fn post(address: std::net::SocketAddr) -> Result<String> {
    let mut server = TcpStream::connect(address).await?;
    server.write_all(b"POST /reports/42 HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    let mut answer = String::new();
    server.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().replace("HTTP/1.1 ", ""))
}
