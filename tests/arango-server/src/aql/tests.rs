//! The texts that we ship, and texts that are wrong.
