//! How `mongod` is started; the same for every source.

/// The command line of a server on a port of the loopback interface, and of no other.
pub(crate) fn command_line(port: u16, folder: &str, more: Vec<String>) -> Vec<String> {
    let port = port.to_string();
    let mut line = vec!["--bind_ip", "127.0.0.1", "--port", &port, "--dbpath", folder];
    line.extend([
        "--nounixsocket", // it would stay in /tmp when the server is killed
        "--wiredTigerCacheSizeGB=0.25",
        "--oplogSize=64",
        // MongoDB's own settings but for the size: three files of 100 MB each are a lot of memory.
        "--wiredTigerEngineConfigString=log=(enabled=true,remove=true,path=journal,\
         compressor=snappy,file_max=32MB)",
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
