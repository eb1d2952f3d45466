//! The hosts and the wires between them.

use std::{
    fmt,
    process::{Command, Stdio},
};

use crate::Result;

/// The hosts of the servers, the hosts of the workers. The last host has no faults but short cuts: there live those
/// who hold a lock for the whole run.
pub const NODES: [Host; 3] = [Host(1), Host(2), Host(3)];
/// See [`NODES`].
pub const WORKERS: [Host; 4] = [Host(11), Host(12), Host(13), Host(14)];

/// A host, by the end of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(pub u8);

impl Host {
    /// The address that everybody uses.
    #[must_use]
    pub fn address(self) -> String {
        format!("10.99.77.{}", self.0)
    }

    /// Another address of the same host, which no rule of a proxy redirects.
    #[must_use]
    pub fn back_door(self) -> String {
        format!("10.99.78.{}", self.0)
    }

    /// A program on this host.
    #[must_use]
    pub fn command(self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.to_string(), program]);
        command
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h{}", self.0)
    }
}

/// What becomes of packets between a host and others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// All are dropped.
    Both,
    /// Those that come in are dropped: the host talks, and hears nothing.
    In,
    /// Those that go out are dropped: it hears, and is not heard.
    Out,
    /// Connections are reset.
    Reset,
    /// So many of a hundred that come in are dropped.
    Lossy(u8),
}

/// All hosts, wired.
#[derive(Debug)]
pub struct Net(());

impl Net {
    /// Makes them. They are gone with the namespace in which this process runs.
    ///
    /// # Errors
    /// What the tools say.
    pub fn up() -> Result<Self> {
        sh("ip", &["link", "set", "lo", "up"])?;
        sh("ip", &["link", "add", "br0", "type", "bridge"])?;
        for address in ["10.99.77.254/24", "10.99.78.254/24"] {
            sh("ip", &["addr", "add", address, "dev", "br0"])?;
        }
        sh("ip", &["link", "set", "br0", "up"])?;
        for host in NODES.into_iter().chain(WORKERS) {
            let (name, wire) = (host.to_string(), format!("w{}", host.0));
            sh("ip", &["netns", "add", &name])?;
            sh("ip", &["link", "add", "eth0", "netns", &name, "type", "veth", "peer", "name", &wire])?;
            sh("ip", &["link", "set", &wire, "master", "br0", "up"])?;
            on(host, "ip", &["link", "set", "lo", "up"])?;
            on(host, "ip", &["addr", "add", &format!("{}/24", host.address()), "dev", "eth0"])?;
            on(host, "ip", &["addr", "add", &format!("{}/24", host.back_door()), "dev", "eth0"])?;
            on(host, "ip", &["link", "set", "eth0", "up"])?;
        }
        Ok(Self(()))
    }

    /// Disturbs what passes between this host and these others, until [`heal`](Self::heal).
    ///
    /// # Errors
    /// What the tools say.
    pub fn disturb(&self, host: Host, others: &[Host], way: Way) -> Result<()> {
        for other in others {
            for address in [other.address(), other.back_door()] {
                let (from, to) = (["-A", "INPUT", "-s", &address], ["-A", "OUTPUT", "-d", &address]);
                match way {
                    Way::Both => {
                        rule(host, &from, &["-j", "DROP"])?;
                        rule(host, &to, &["-j", "DROP"])?;
                    }
                    Way::In => rule(host, &from, &["-j", "DROP"])?,
                    Way::Out => rule(host, &to, &["-j", "DROP"])?,
                    Way::Reset => rule(host, &to, &["-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"])?,
                    Way::Lossy(percent) => {
                        let probability = format!("0.{percent:02}");
                        let one_in = ["-m", "statistic", "--mode", "random", "--probability", &probability];
                        rule(host, &from, &[&one_in[..], &["-j", "DROP"]].concat())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Nothing of this host's is disturbed any more.
    ///
    /// # Errors
    /// What the tools say.
    pub fn heal(&self, host: Host) -> Result<()> {
        on(host, "iptables", &["-w", "-F"])
    }

    /// Sends what goes from this host to a node to a port of the host's own instead.
    ///
    /// # Errors
    /// What the tools say.
    pub fn redirect(&self, host: Host, node: Host, port: u16) -> Result<()> {
        let (node, port) = (node.address(), port.to_string());
        let what = ["-w", "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-d", &node, "--dport", "27017"];
        on(host, "iptables", &[&what[..], &["-j", "REDIRECT", "--to-ports", &port]].concat())
    }
}

fn rule(host: Host, which: &[&str], then: &[&str]) -> Result<()> {
    on(host, "iptables", &[&["-w"], which, then].concat())
}

fn on(host: Host, program: &str, arguments: &[&str]) -> Result<()> {
    run(host.command(program).args(arguments))
}

/// Runs a tool to its end.
///
/// # Errors
/// What it says.
pub fn sh(program: &str, arguments: &[&str]) -> Result<()> {
    run(Command::new(program).args(arguments))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
