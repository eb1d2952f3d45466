//! One connection: requests in, answers out, one after the other.

use std::{io, sync::Arc};

use tokio::{io::AsyncWriteExt, net::TcpStream, sync::oneshot};

use crate::{faults::Fake, server::Endpoint};

use super::{
    Response,
    request::{Buffer, Request},
    router::{self, Answer},
};

/// Serves until either side ends it.
pub(crate) async fn serve(endpoint: Arc<Endpoint>, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Buffer::default();
    loop {
        let request = match buffer.next(&mut stream).await {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                send(&mut stream, Answer { response: Response::empty(400), fake: None }, None, false).await?;
                break;
            }
            Err(error) => return Err(error),
        };
        // The end of a chunked body is not looked for.
        let keep_alive = request.keep_alive && !request.is_chunked();
        let Some(answer) = answer(&endpoint, request).await else { break };
        let server = endpoint.shared.server_header();
        if !send(&mut stream, answer, server.as_deref(), keep_alive).await? || !keep_alive {
            break;
        }
    }
    stream.shutdown().await
}

/// In a task of its own: a query runs to its end even if nobody waits for the answer any more.
async fn answer(endpoint: &Arc<Endpoint>, request: Request) -> Option<Answer> {
    let (done, answer) = oneshot::channel();
    let of = Arc::clone(endpoint);
    endpoint.shared.tasks.spawn(async move {
        done.send(router::answer(&of, request).await).ok();
    });
    answer.await.ok()
}

/// Whether the connection can be used any further.
async fn send(stream: &mut TcpStream, answer: Answer, server: Option<&str>, keep_alive: bool) -> io::Result<bool> {
    let Answer { mut response, fake } = answer;
    let mut sent = response.body.len();
    match fake {
        None => {}
        Some(Fake::Close) => return Ok(false),
        Some(Fake::CutBody) => sent /= 2,
        Some(Fake::HalfBody) => {
            let half = response.body.len() / 2;
            response.body = response.body.chars().take(half).collect();
            sent = response.body.len();
        }
        Some(Fake::Raw { status, content_type, body }) => {
            sent = body.len();
            response = Response { content_type, ..Response::text(status, body) };
        }
    }
    let mut bytes = response.head(server, keep_alive).into_bytes();
    bytes.extend_from_slice(&response.body.as_bytes()[..sent]);
    stream.write_all(&bytes).await?;
    Ok(sent == response.body.len())
}
