//! Child processes of the bench: this program once more, ordered about on stdin, answering on stdout, both in lines.

mod child;
mod protocol;
mod serve;
mod team;

pub(crate) use self::{
    child::Child,
    protocol::{Kept, number},
    serve::serve,
    team::Team,
};
