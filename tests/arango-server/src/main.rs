//! Runs the look-alike until it is interrupted.

use std::{env, error::Error, thread, time::Duration};

use arango_server::{ArangoServer, Builder, CacheMode, Generation, Level, Rights};

const USAGE: &str =
    "arango-server [--port N] [--root-password P] [--coordinators N] [--ttl-interval-ms N] [--results-cache] [--v4]";

fn main() -> Result<(), Box<dyn Error>> {
    let server = configured(env::args().skip(1))?.start()?;
    println!("{}", server.endpoints().join(" "));
    loop {
        thread::park();
    }
}

fn configured(mut arguments: impl Iterator<Item = String>) -> Result<Builder, Box<dyn Error>> {
    let mut builder = ArangoServer::builder().port(8529);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        builder = match argument.as_str() {
            "--port" => builder.port(value()?.parse()?),
            "--root-password" => builder.user("root", &value()?, Rights::new(Level::ReadWrite)),
            "--coordinators" => builder.coordinators(&vec![0; value()?.parse()?]),
            "--ttl-interval-ms" => builder.ttl_interval(Duration::from_millis(value()?.parse()?)),
            "--results-cache" => builder.results_cache(CacheMode::On),
            "--v4" => builder.generation(Generation::V4),
            _ => return Err(USAGE.into()),
        };
    }
    Ok(builder)
}
