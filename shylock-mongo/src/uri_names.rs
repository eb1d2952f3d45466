//! Names of options that may stand in an error. Pure.
//!
//! An address may have a password in it that was not percent-encoded, and what follows its `?` looks like the name of an
//! option. So a name is only told if it is one, or nearly.

use strsim::levenshtein;

/// Options of MongoDB's drivers that decide which server is reached, as whom, and how well the connection is protected, in small
/// letters: those of the specification, and those that single drivers have, had, or call otherwise.
const NAMES: [&str; 78] = [
    "appname",
    "authmechanism",
    "authmechanismproperties",
    "authsource",
    "autoencryption",
    "canonicalizehostname",
    "connect",
    "connecttimeoutms",
    "database",
    "directconnection",
    "domainsenabled",
    "gssapicanonicalizehostname",
    "gssapihostname",
    "gssapiservicename",
    "gssapiservicerealm",
    "guids",
    "ha",
    "hainterval",
    "heartbeatfrequencyms",
    "journal",
    "ldap",
    "loadbalanced",
    "localthresholdms",
    "maxadaptiveretries",
    "maxconnecting",
    "maxidletimems",
    "maxpoolsize",
    "maxstalenessseconds",
    "minpoolsize",
    "password",
    "proxyhost",
    "proxypassword",
    "proxyport",
    "proxyusername",
    "readconcern",
    "readconcernlevel",
    "readpreference",
    "readpreferencetags",
    "replicaset",
    "replicasetname",
    "retryreads",
    "retrywrites",
    "secondaryacceptablelatencyms",
    "servermonitoringmode",
    "serverselectiontimeoutms",
    "slaveok",
    "srvmaxhosts",
    "srvservicename",
    "ssl",
    "ssl_ca_certs",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_crlfile",
    "ssl_keyfile",
    "ssl_match_hostname",
    "ssl_pem_passphrase",
    "sslallowinvalidcertificates",
    "sslallowinvalidhostnames",
    "sslca",
    "sslcert",
    "sslcertificateauthorityfile",
    "sslclientcertificatekeyfile",
    "sslclientcertificatekeypassword",
    "sslcrl",
    "sslinsecure",
    "sslinvalidhostnameallowed",
    "sslkey",
    "sslpass",
    "sslvalidate",
    "sslverifycertificate",
    "tls",
    "tlsallowinvalidcertificates",
    "tlsallowinvalidhostnames",
    "tlscafile",
    "tlscertificatekeyfile",
    "tlscertificatekeyfilepassword",
    "tlscrlfile",
    "tlsinsecure",
];

/// Names of three or four letters may be passwords that are nearly as long.
const LONG: usize = 6;
const MISTAKES: usize = 2;

/// Whether this is the name of an option, or one with a mistake in it.
pub(crate) fn may_be_told(name: &str, others: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    let is_near = |known: &&str| *known == name || known.len() >= LONG && levenshtein(known, &name) <= MISTAKES;
    NAMES.iter().chain(others).any(is_near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_and_what_else_stands_there_is_not() {
        for name in
            ["replicaSet", "replicaSett", "readPreferences", "authSourc", "conect", "TLS", "ssl_cert_reqs", "other"]
        {
            assert!(may_be_told(name, &["other"]), "{name}");
        }
        for secret in ["", "tks", "hunter2", "rehunter2plicaSet", "unheardOf", "12", "connect1234"] {
            assert!(!may_be_told(secret, &[]), "{secret}");
        }
        assert!(NAMES.is_sorted(), "each stands there once");
    }
}
