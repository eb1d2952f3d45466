//! All processes of a command: how they are found, and how signals reach them.

mod hunt;
pub(crate) mod mark;
mod members;
pub(crate) mod table;

pub(crate) use self::{
    hunt::{Found, PASS, find, kill_all},
    mark::Mark,
    members::{Family, Id},
};
