//! Servers that speak MongoDB's protocol, and which of them can hold a lock. Pure.
//!
//! A lock takes one atomic step on the server: an upsert by an update pipeline that reads the server's clock, of which
//! exactly one of several first ones wins, and which is in a journal before it is acknowledged.

use mongodb::bson::{Bson, Document};

/// What the replies to `hello` and `buildInfo` say of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is known against it.
    Fit,
    /// It may hold locks, and this must be known about it.
    Doubtful(String),
    /// It cannot hold locks, for this reason.
    Unfit(String),
}

/// Judges a server. An empty document stands for a reply that was refused.
pub(crate) fn judge(hello: &Document, build: &Document) -> Verdict {
    if let Some(version) = ferretdb(hello, build) {
        let why = if is_before(&version, &[2]) { NO_PIPELINES } else { SEVERAL_WIN };
        return Verdict::Unfit(format!("FerretDB{} cannot hold locks: {why}", shown(&version)));
    }
    if is_documentdb(hello) || is_documentdb(build) || has_host(hello, ".mongocluster.cosmos.azure.com") {
        return Verdict::Unfit(format!("DocumentDB (also as Azure DocumentDB) cannot hold locks: {SEVERAL_WIN}"));
    }
    let version = version(build);
    if has_host(hello, "docdb.amazonaws.com") || has_host(hello, "docdb-elastic.amazonaws.com") || is_in_china(hello) {
        let name = format!("Amazon DocumentDB{}", shown(&version));
        return if version.is_empty() || is_before(&version, &[6]) || has_host(hello, "docdb-elastic.amazonaws.com") {
            Verdict::Unfit(format!("{name} cannot hold locks: {NO_PIPELINES}"))
        } else {
            Verdict::Doubtful(format!("{name} was never tried with these locks"))
        };
    }
    if hello.contains_key("_t") || build.contains_key("_t") || has_host(hello, ".mongo.cosmos.azure.com") {
        return Verdict::Doubtful(
            "Azure Cosmos DB (RU) was never tried with these locks; it ignores the write concern, and an account with \
             several write regions lets several holders in"
                .into(),
        );
    }
    if !version.is_empty() && is_before(&version, &[4, 4]) {
        return Verdict::Unfit(format!("MongoDB{} cannot hold locks: {TOO_OLD}", shown(&version)));
    }
    Verdict::Fit
}

/// Whether the servers behind this answer are the shards of a cluster. DocumentDB's gateway answers `isdbgrid`, too.
pub(crate) fn is_router(hello: &Document) -> bool {
    hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid") && !hello.contains_key("setName") && !is_documentdb(hello)
}

/// Whether the driver refuses the server for its age.
pub(crate) fn is_too_old(message: &str) -> bool {
    message.contains("reports wire version") && message.contains("requires at least")
}

/// Why a server cannot hold locks, by its refusal of a command.
pub(crate) fn refusal(code: Option<i32>, message: &str) -> Option<&'static str> {
    let message = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if is_too_old(&message) {
        return Some("MongoDB before 4.4 cannot hold locks");
    }
    // BadValue: the check of a write concern.
    if code == Some(2) && has(&["journaling"]) {
        return Some(NO_JOURNAL);
    }
    let of_update = ["parse update", "pipeline", "undefined variable", "now operator", "replacewith"];
    (matches!(code, Some(9 | 14 | 115 | 168 | 238 | 17276 | 40324)) && has(&of_update)).then_some(NO_CLOCK)
}

const NO_JOURNAL: &str = "the server keeps no journal, so a lock that it has granted could be forgotten in a crash and \
     granted again to another: start it with journaling, and with a storage engine that writes to disk";
const NO_CLOCK: &str = "this server cannot hold locks: it lacks updates by an aggregation pipeline with the server's \
     clock, which MongoDB has; it may be a relative of MongoDB, such as Amazon DocumentDB or FerretDB";
const NO_PIPELINES: &str = "it lacks updates by an aggregation pipeline with the server's clock";
const SEVERAL_WIN: &str = "several first acquisitions of a lock at once could all succeed";
const TOO_OLD: &str = "4.4 is the oldest version that can";

/// The version of FerretDB, where it is one; empty if it does not say which.
fn ferretdb(hello: &Document, build: &Document) -> Option<Vec<u32>> {
    let one = |reply: &Document| match (reply.get("ferretdbVersion"), reply.get("ferretdb")) {
        (Some(version), _) => Some(numbers(version.as_str().unwrap_or("1"))),
        (None, Some(Bson::Document(about))) => Some(numbers(about.get_str("version").unwrap_or("2"))),
        (None, Some(_)) => Some(vec![2]),
        (None, None) => None,
    };
    one(build).or_else(|| one(hello))
}

/// The open-source DocumentDB, on which Azure DocumentDB is built, too.
fn is_documentdb(reply: &Document) -> bool {
    reply.get_document("internal").is_ok()
}

/// Whether a member of the deployment has a host name that ends so.
fn has_host(hello: &Document, ending: &str) -> bool {
    hosts(hello).any(|host| host.ends_with(ending))
}

fn is_in_china(hello: &Document) -> bool {
    hosts(hello).any(|host| host.contains(".docdb") && host.ends_with(".amazonaws.com.cn"))
}

/// The host names in a reply to `hello`, without ports.
fn hosts(hello: &Document) -> impl Iterator<Item = String> {
    let single = ["me", "primary"].iter().filter_map(|field| hello.get_str(field).ok());
    let listed = ["hosts", "passives"].iter().filter_map(|field| hello.get_array(field).ok());
    let all = single.chain(listed.flatten().filter_map(Bson::as_str));
    all.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase())
}

/// The version of the server, as far as it is known.
fn version(build: &Document) -> Vec<u32> {
    let array = build.get_array("versionArray").map_or(&[][..], Vec::as_slice);
    let listed: Vec<u32> = array.iter().map_while(|part| part.as_i32()?.try_into().ok()).collect();
    if listed.is_empty() { numbers(build.get_str("version").unwrap_or_default()) } else { listed }
}

fn numbers(version: &str) -> Vec<u32> {
    let parts = version.trim_start_matches('v').split(['.', '-', '+']);
    parts.map_while(|part| part.parse().ok()).take(3).collect()
}

fn is_before(version: &[u32], other: &[u32]) -> bool {
    version.iter().copied().take(other.len()).lt(other.iter().copied())
}

fn shown(version: &[u32]) -> String {
    let parts: Vec<String> = version.iter().take(3).map(u32::to_string).collect();
    if parts.is_empty() { String::new() } else { format!(" {}", parts.join(".")) }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    fn mongodb(version: &[i32]) -> Document {
        let text: Vec<String> = version.iter().map(i32::to_string).collect();
        doc! { "version": text.join("."), "versionArray": version.to_vec(), "ok": 1.0 }
    }

    #[test]
    fn servers_of_mongodb_are_fit_from_4_4_on() {
        let standalone = doc! { "isWritablePrimary": true, "maxWireVersion": 17 };
        let member = doc! { "setName": "rs0", "me": "db1.example:27017", "hosts": ["db1.example:27017", "[::1]:2"] };
        let atlas = doc! { "setName": "atlas-x", "me": "x-shard-00-00.abcde.mongodb.net:27017" };
        let router = doc! { "msg": "isdbgrid", "maxWireVersion": 21 };
        for hello in [&standalone, &member, &atlas, &router] {
            for fit in [&[4, 4, 2, 0][..], &[5, 0, 32, 0], &[6, 0, 5, 0], &[8, 0, 0, 0], &[10, 0, 0, 0]] {
                assert_eq!(judge(hello, &mongodb(fit)), Verdict::Fit, "{fit:?}");
            }
            // Nobody refuses a server for what it does not say.
            assert_eq!(judge(hello, &doc! {}), Verdict::Fit);
            assert_eq!(judge(hello, &doc! { "version": "8.0.4-percona-1" }), Verdict::Fit);
            let Verdict::Unfit(reason) = judge(hello, &mongodb(&[4, 2, 24, 0])) else { panic!("too old") };
            assert!(reason.contains("MongoDB 4.2.24") && reason.contains("4.4"), "{reason}");
            assert!(matches!(judge(hello, &doc! { "version": "3.6.0" }), Verdict::Unfit(_)));
        }
    }

    /// Replies as these servers give them.
    #[test]
    fn relatives_are_recognised_by_name() {
        let plain = doc! { "isWritablePrimary": true };
        let gateway = |internal: Document| doc! { "isWritablePrimary": true, "msg": "isdbgrid", "internal": internal };
        let amazon = |host: &str| doc! { "setName": "rs0", "hosts": [format!("{host}:27017")], "primary": host };
        let docdb = "docdb-1.cluster-cx.us-east-1.docdb.amazonaws.com";
        let elastic = "e-123.us-east-1.docdb-elastic.amazonaws.com";
        let china = "docdb-1.cx.docdb.cn-north-1.amazonaws.com.cn";
        let mut ferret_1 = mongodb(&[7, 0, 42, 0]);
        ferret_1.extend(doc! { "ferretdbVersion": "v1.24.0", "ferretdbFeatures": {} });
        let mut ferret_2 = mongodb(&[7, 0, 77, 0]);
        ferret_2.insert("ferretdb", doc! { "version": "v2.5.0" });
        for (hello, build, name) in [
            (plain.clone(), ferret_1, "FerretDB 1.24.0 "),
            (plain.clone(), ferret_2, "FerretDB 2.5.0 "),
            (plain.clone(), doc! { "ferretdb": 1 }, "FerretDB 2 "),
            (
                gateway(doc! { "documentdb_versions": ["0.108-0", "0.108.0"], "kind": "" }),
                mongodb(&[7, 0, 0, 0]),
                "DocumentDB",
            ),
            (gateway(doc! { "cosmos_versions": ["1.22-0"] }), doc! {}, "DocumentDB"),
            (plain.clone(), doc! { "internal": { "documentdb_versions": ["0.117.0"] } }, "DocumentDB"),
            (amazon("fc-1.mongocluster.cosmos.azure.com"), doc! {}, "Azure DocumentDB"),
            (amazon(docdb), mongodb(&[5, 0, 0, 0]), "Amazon DocumentDB 5.0.0"),
            (amazon(docdb), doc! { "version": "3.6.0" }, "Amazon DocumentDB 3.6.0"),
            (amazon(docdb), doc! {}, "Amazon DocumentDB "),
            (amazon(elastic), mongodb(&[5, 0, 0, 0]), "Amazon DocumentDB"),
            (amazon(china), mongodb(&[4, 0, 0, 0]), "Amazon DocumentDB"),
        ] {
            let Verdict::Unfit(reason) = judge(&hello, &build) else { panic!("{hello} {build}") };
            assert!(reason.contains(name) && reason.contains("cannot hold locks: "), "{name}: {reason}");
            assert!(!is_router(&hello), "{hello}");
        }
        for (hello, build) in [
            (plain.clone(), doc! { "_t": "BuildInfoResponse", "version": "7.0.0" }),
            (amazon("x.mongo.cosmos.azure.com"), mongodb(&[4, 2, 0, 0])),
            (amazon(docdb), mongodb(&[8, 0, 0, 0])),
        ] {
            assert!(matches!(judge(&hello, &build), Verdict::Doubtful(_)), "{hello} {build}");
        }
        // A name that contains another's is not that one.
        assert_eq!(judge(&amazon("docdb.amazonaws.com.example"), &mongodb(&[6, 0, 0, 0])), Verdict::Fit);
    }

    #[test]
    fn a_router_is_one_that_nothing_contradicts() {
        assert!(is_router(&doc! { "msg": "isdbgrid" }));
        for no in [doc! {}, doc! { "msg": "other" }, doc! { "msg": "isdbgrid", "setName": "x" }] {
            assert!(!is_router(&no), "{no}");
        }
    }

    /// Texts as these servers give them.
    #[test]
    fn refusals_of_commands_are_explained() {
        let no_journal = "cannot use 'j' option when a host does not have journaling enabled";
        assert!(refusal(Some(2), no_journal).expect("explained").contains("no journal"));
        for (code, message) in [
            (9, "Failed to parse update: field must be of BSON type object"),
            (14, "Failed to parse update: field must be of BSON type object"),
            (9, "The $$NOW operator cannot be used within this specific context."),
            (17276, "Use of undefined variable: NOW"),
            (238, "Aggregation pipelines are not supported in `update` yet"),
            (40324, "Unrecognized pipeline stage name: '$replaceWith'"),
        ] {
            assert_eq!(refusal(Some(code), message), Some(NO_CLOCK), "{message}");
        }
        let old =
            "Server at a:1 reports wire version 8, but this version of the MongoDB Rust driver requires at least 9";
        assert!(is_too_old(old) && refusal(None, old).is_some());
        for other in ["not authorized on a", "bad value", ""] {
            for code in [None, Some(2), Some(9), Some(13)] {
                assert_eq!(refusal(code, other), None, "{other}");
            }
        }
    }
}
