//! A test process that comes to a bad end: starts a server, prints its hosts on stdout, and panics
//! when its stdin ends, if nobody has killed it before.
//!
//! `victim chosen|child standalone|with-auth|MEMBERS`

use std::{env, io};

use shylock_tests::{Kind, Mongo, Source};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = env::args().skip(1);
    let source = match arguments.next().as_deref() {
        Some("chosen") => Source::chosen().await,
        Some("child") => Source::ChildProcess,
        other => panic!("no source: {other:?}"),
    };
    let kind = match arguments.next().as_deref() {
        Some("standalone") => Kind::Standalone,
        Some("with-auth") => Kind::WithAuth,
        members => Kind::ReplicaSet(members.and_then(|text| text.parse().ok()).expect("a kind")),
    };
    let mongo = Mongo::start(kind, source).await;
    println!("{}", mongo.hosts());
    io::copy(&mut io::stdin(), &mut io::sink()).expect("a stdin");
    panic!("as was to be expected");
}
