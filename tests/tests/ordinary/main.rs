//! Small programs, written the way users write them, on an ordinary day: nothing fails, so every answer is right, and the
//! numbers and logs of each process report no failure. Programs that use `shylock run` are in `shylock-cli/tests/ordinary`.

mod folder;
mod migration;
mod program;
mod report;
mod shop;
mod store;
mod web_service;
mod workers;

/// One test for each store: `$scenario` is the test, and `$program` is what each process does that it starts.
macro_rules! on_each_store {
    ($program:path, $scenario:path) => {
        crate::on_stores! { $program, $scenario;
            on_mongodb: crate::store::Kind::MongoDb,
            on_arangodb: crate::store::Kind::ArangoDb,
            on_sqlite: crate::store::Kind::Sqlite,
        }
    };
}

macro_rules! on_stores {
    ($program:path, $scenario:path; $($test:ident: $kind:expr,)+) => {
        $(#[test]
        fn $test() {
            let name = concat!(module_path!(), "::", stringify!($test));
            crate::program::play(name, $kind, $program, $scenario);
        })+
    };
}

use {on_each_store, on_stores};
