//! The language: from text to a checked query.

pub(crate) mod ast;
pub(crate) mod binds;
pub(crate) mod check;
pub(crate) mod functions;
mod keyword;
mod lexer;
mod parser;
mod token;

pub(crate) use parser::parse;
