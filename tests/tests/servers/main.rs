//! The servers of the tests are what they are said to be, and are gone afterwards.

mod ends;
mod given;
mod kinds;
mod sources;
