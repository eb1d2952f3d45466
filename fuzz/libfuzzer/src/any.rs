//! Any target, by the name in `SHYLOCK_TARGET`, under libFuzzer. One program for all: each links the drivers of two
//! databases.

#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<shylock_fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("SHYLOCK_TARGET").expect("the target's name in SHYLOCK_TARGET");
    shylock_fuzz::target(&name).unwrap_or_else(|| panic!("there is no target {name:?}"))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
