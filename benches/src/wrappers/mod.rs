//! Stores that do as they are told, and something more.

mod observed;
mod polling;
mod renewals;

pub(crate) use self::{
    observed::Observed,
    polling::PollingOnly,
    renewals::{Call, rounds},
};
