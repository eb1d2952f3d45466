//! MongoDB's wire protocol, and servers that are not what they seem.

mod impostor;
mod message;
mod races;
mod relative;

pub use self::{
    impostor::{Fate, Impostor, Manners},
    message::Message,
    relative::Relative,
};
