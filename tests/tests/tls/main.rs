//! TLS, with certificates made here: a right one works, and every wrong one is refused, in time, with a typed error
//! that has no secret in it; nothing is ever sent in the clear instead.

mod arango;
mod certificates;
mod front;
mod mongo;
mod refusal;
mod secrets;
mod tap;
