//! Upserts that race: `INSERT … ON CONFLICT DO UPDATE`, where who comes second writes what it would have written into
//! nothing. Each of several first acquirers gets a record of its own in the reply.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use mongodb::bson::{Bson, Document};

/// The documents that were upserted, by their ids.
#[derive(Debug, Default)]
pub(super) struct Races(Mutex<HashMap<String, State>>);

#[derive(Debug, Clone, Copy)]
enum State {
    /// The first upsert is under way, and so many others with it.
    UnderWay(u32),
    /// It is there.
    There,
}

impl Races {
    /// The command as the real server gets it: what meets a first upsert makes a document of its own.
    pub(super) fn begin(&self, mut command: Document) -> Document {
        let Some(id) = upserted(&command) else { return command };
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match states.get_mut(&id) {
            None => drop(states.insert(id, State::UnderWay(0))),
            Some(State::There) => {}
            Some(State::UnderWay(others)) => {
                *others += 1;
                let query = command.get_document_mut("query").expect("it has one");
                query.insert("_id", format!("{id}{SEPARATOR}{others}"));
            }
        }
        command
    }

    /// Makes the reply one about the document that the client has asked for.
    pub(super) fn end(&self, command: &Document, reply: &mut Document) {
        let Some(id) = upserted(command) else { return };
        match id.split_once(SEPARATOR) {
            Some((asked, _)) => reply.iter_mut().for_each(|(_, value)| rename(value, &id, asked)),
            None => {
                let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                states.insert(id, State::There);
            }
        }
    }
}

/// No name of a lock in the tests has it.
const SEPARATOR: &str = " beside ";

/// The document that the command may make.
fn upserted(command: &Document) -> Option<String> {
    let upserts = command.contains_key("findAndModify") && command.get_bool("upsert").unwrap_or_default();
    let id = command.get_document("query").ok()?.get_str("_id").ok()?;
    upserts.then(|| id.to_owned())
}

fn rename(value: &mut Bson, from: &str, to: &str) {
    match value {
        Bson::String(text) if text == from => drop(mem::replace(text, to.to_owned())),
        Bson::Document(document) => document.iter_mut().for_each(|(_, value)| rename(value, from, to)),
        Bson::Array(values) => values.iter_mut().for_each(|value| rename(value, from, to)),
        _ => {}
    }
}
