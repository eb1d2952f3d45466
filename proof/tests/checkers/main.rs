//! The checkers, tested: nothing in clean histories, everything in corrupted ones.

mod clean;
mod corrupt;
mod golden;
mod line;
mod random;
mod scale;
mod turns;
mod world;
