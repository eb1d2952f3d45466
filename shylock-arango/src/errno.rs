//! What ArangoDB's error numbers mean for a request: a table, and no code for any single number.
//!
//! The numbers are those that ArangoDB publishes for 3.10, 3.11, 3.12 and 4.x (repository `arangodb/docs-hugo`, files
//! `site/data/*/errors.yaml`, made from the server's `lib/Basics/errors.dat`). Which of them a conflict between two
//! writers can have is in the server's source, where it translates the states of RocksDB (`convertStatus`). The HTTP
//! status of a number differs between versions, and the message is free text: neither is looked at.

use std::ops::RangeInclusive;

/// What a failure says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Somebody else changed the record at the same moment; nothing was done.
    Contention,
    /// The same, and whoever is in the way may stay there for longer.
    Blocked,
    /// The server is too busy; nothing was done.
    Overloaded,
    /// Nothing was done, and the same request may succeed later.
    NotApplied,
    /// It may have been done.
    Ambiguous,
    /// There is no such collection or database.
    Missing,
    /// Nothing was done, and will not be until somebody mends something.
    Permanent,
}

/// The numbers that mean something else than [`Meaning::Ambiguous`].
const TABLE: [(Meaning, &[RangeInclusive<u64>]); 6] = [
    (
        Meaning::Contention,
        &[
            1200..=1200, // conflict
            1202..=1202, // document not found: it was there a moment ago
            1210..=1210, // unique constraint: it was not there a moment ago
            1302..=1303, // try again, engine is busy
            1521..=1521, // no lock of the collection
        ],
    ),
    (
        Meaning::Blocked,
        &[
            18..=18,     // lock timeout, also of a single key
            28..=29,     // locked, deadlock
            1304..=1304, // merge in progress
        ],
    ),
    (
        Meaning::Overloaded,
        &[
            420..=420,     // a limit of requests
            21003..=21004, // queue full, queue time: it has not left the server's queue
        ],
    ),
    (
        Meaning::NotApplied,
        &[
            38..=38,     // starting up
            1238..=1238, // collection not loaded
        ],
    ),
    (Meaning::Missing, &[1203..=1203, 1228..=1228]), // collection, database
    (
        Meaning::Permanent,
        &[
            5..=7,       // numbers and options that are none
            9..=11,      // not implemented, bad parameter, no right
            17..=17,     // type error
            31..=31,     // only in another edition
            35..=37,     // incompatible version, disabled, malformed JSON
            400..=405,   // bad request, wrong password, forbidden, unknown path, unknown method
            501..=501,   // not implemented
            600..=601,   // corrupt JSON, superfluous suffixes
            1204..=1205, // no collection given, bad document id
            1207..=1209, // duplicate name, illegal name, no index
            1212..=1216, // index not found, across collections, bad index, document too large
            1218..=1222, // wrong type of collection, bad attribute, bad key, keys not allowed
            1225..=1227, // no more keys, no key, no document
            1229..=1233, // bad name of a database, only in `_system`, bad key generator, bad edge
            1237..=1237, // wrong type of collection
            1239..=1239, // bad revision
            1241..=1242, // old formats of data
            1450..=1450, // too many shards
            1466..=1466, // keys not allowed, as it is sharded by something else
            1468..=1470, // shard keys missing or changed, not supported in clusters
            1484..=1486, // `distributeShardsLike`
            1501..=1505, // syntax, values out of range
            1510..=1512, // variables
            1522..=1524, // too many collections, too much nesting
            1539..=1553, // options, functions, bind values
            1561..=1584, // values, functions, and what else a query cannot do
            1590..=1590, // bad plan
            1593..=1595, // assertions of a query, windows
            1620..=1621, // schema
            1651..=1653, // what a transaction cannot do
            1700..=1705, // users
            4000..=4011, // SmartGraphs and SmartJoins
            9001..=9004, // license
            9006..=9008,
        ],
    ),
];

/// A number that says that something is unavailable, and one that nobody here knows, leave it open whether the request
/// was carried out.
pub(crate) fn meaning(number: u64) -> Meaning {
    let found = TABLE.iter().find(|(_, numbers)| numbers.iter().any(|range| range.contains(&number)));
    found.map_or(Meaning::Ambiguous, |(meaning, _)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_one_meaning() {
        let mut all: Vec<(u64, u64)> =
            TABLE.iter().flat_map(|(_, numbers)| numbers.iter().map(|range| (*range.start(), *range.end()))).collect();
        all.sort_unstable();
        for (one, next) in all.iter().zip(&all[1..]) {
            assert!(one.0 <= one.1 && one.1 < next.0, "{one:?} and {next:?}");
        }
    }

    /// Only what is known to be permanent is: whatever goes on inside of a server or a cluster passes.
    #[test]
    fn what_passes_is_not_permanent() {
        let passing = [
            1, 2, 3, 4, 12, 21, 30, 32, 39, 406, 408, 409, 410, 412, 500, 503, 504, // the server itself
            1000, 1004, 1104, 1235, 1236, 1240, 1305, // its disk
            1400, 1419, 1422, 1428, 1429, 1430, 1446, 1448, 1449, // replication
            1454, 1456, 1457, 1460, 1461, 1464, 1465, 1467, 1471, 1472, 1474, 1477, 1478, 1481, 1482, 1487, 1488, 1489,
            1490, 1491, 1492, 1495, 1496, 1497, // the cluster
            1500, 1555, 1591, 1600, 1601, 1650, 1654, 1655, // queries, cursors, transactions
            2000, 2001, 2002, 2003, 2200, 7009, 7010, 7012, 9005, 20501, 21005, // the rest
            0, 99_999, 1_000_000, // numbers that nobody knows
        ];
        for number in passing {
            assert_eq!(meaning(number), Meaning::Ambiguous, "{number}");
        }
        for number in [38, 1238] {
            assert_eq!(meaning(number), Meaning::NotApplied, "{number}");
        }
    }

    #[test]
    fn what_needs_mending_is_permanent() {
        for number in
            [9, 10, 11, 401, 404, 1207, 1208, 1216, 1221, 1222, 1230, 1466, 1470, 1501, 1512, 1540, 1551, 1579]
        {
            assert_eq!(meaning(number), Meaning::Permanent, "{number}");
        }
        for number in [1539, 1584, 1620, 4003, 9001] {
            assert_eq!(meaning(number), Meaning::Permanent, "{number}");
        }
    }
}
