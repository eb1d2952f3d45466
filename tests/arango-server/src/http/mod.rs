//! HTTP/1.1 by hand, so that an answer can be cut off anywhere.

mod connection;
mod percent;
mod request;
mod response;
mod router;

pub(crate) use connection::serve;
pub(crate) use request::Request;
pub(crate) use response::Response;
