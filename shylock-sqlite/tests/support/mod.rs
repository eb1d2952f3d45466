//! What the tests share: folders of their own, and the conformance suite's hands on a file.

#![allow(dead_code, reason = "each test binary uses some of it")]

mod fixture;
mod folder;

pub(crate) use self::{fixture::SqliteFixture, folder::Folder};
