//! How `mongod` is started; the same for every source.

use super::version::{Version, series};

/// The command line of a server on a port of the loopback interface, and of no other.
pub(crate) fn command_line(version: Version, port: u16, folder: &str, more: Vec<String>) -> Vec<String> {
    let port = port.to_string();
    // What WiredTiger calls the removal of old journal files.
    let remove = if series(version.name()) < Some((6, 0)) { "archive" } else { "remove" };
    // MongoDB's own settings but for the size: three files of 100 MB each are a lot of memory.
    let engine = format!(
        "--wiredTigerEngineConfigString=log=(enabled=true,{remove}=true,path=journal,compressor=snappy,file_max=32MB)"
    );
    let mut line = vec!["--bind_ip", "127.0.0.1", "--port", &port, "--dbpath", folder];
    line.extend([
        "--nounixsocket", // it would stay in /tmp when the server is killed
        "--wiredTigerCacheSizeGB=0.25",
        "--oplogSize=64",
        &engine,
    ]);
    for parameter in [
        "enableTestCommands=1", // the fail points, and replSetStepUp
        "ttlMonitorSleepSecs=1",
        "diagnosticDataCollectionEnabled=false",
    ] {
        line.extend(["--setParameter", parameter]);
    }
    line.into_iter().map(str::to_owned).chain(more).collect()
}
