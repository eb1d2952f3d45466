//! A store of one's own, and the guide's programs.

pub mod folder_store;

/// The guide's chapters: what they show compiles, and runs where it needs no server.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../docs/src/lease.md")]
    struct Lease;
    #[doc = include_str!("../docs/src/outages.md")]
    struct Outages;
    #[doc = include_str!("../docs/src/fencing.md")]
    struct Fencing;
    #[doc = include_str!("../docs/src/operating.md")]
    struct Operating;
    #[doc = include_str!("../docs/src/stores.md")]
    struct Stores;
    #[doc = include_str!("../docs/src/recipes.md")]
    struct Recipes;
}
