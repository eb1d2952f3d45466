//! The backend against a scripted HTTP server: what a real one does only on bad days.

mod acquiring;
mod connection;
mod lab;
mod login;
mod requests;
mod responder;
mod runtimes;
mod setup;
