//! What the tests share: folders of their own, other processes, and the conformance suite's hands on a file.

#![allow(dead_code, unused_imports, reason = "each test binary uses some of it")]

mod again;
mod fixture;
mod folder;
mod verbs;

pub(crate) use self::{
    again::{Teller, again, again_as, again_under, part, played_well, unshare},
    fixture::SqliteFixture,
    folder::Folder,
    verbs::{acquire, name, request, run},
};
