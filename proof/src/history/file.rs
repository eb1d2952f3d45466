//! A history as a file: JSON, one value a line, the first of them a header.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use super::Event;

/// The first line of a history: what it takes to run it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The seed of all that was random.
    pub seed: u64,
    /// The git commit that ran.
    pub commit: String,
    /// How it was run.
    pub settings: serde_json::Value,
}

/// Writes a whole history.
///
/// # Errors
/// The writer's.
pub fn write(mut out: impl Write, header: &Header, events: &[Event]) -> io::Result<()> {
    write_header(&mut out, header)?;
    events.iter().try_for_each(|event| write_event(&mut out, event))?;
    out.flush()
}

/// Writes the first line of a history that goes on event by event.
///
/// # Errors
/// The writer's.
pub fn write_header(out: impl Write, header: &Header) -> io::Result<()> {
    line(out, header)
}

/// Writes one more line, in one call to the writer: a process that is killed leaves whole lines, and at most one torn.
///
/// # Errors
/// The writer's.
pub fn write_event(out: impl Write, event: &Event) -> io::Result<()> {
    line(out, event)
}

/// Reads a history. A torn last line, which a killed process may leave, is left out.
///
/// # Errors
/// The reader's; or a line is no header or event, which names its number.
pub fn read(input: impl BufRead) -> io::Result<(Header, Vec<Event>)> {
    let mut lines = whole_lines(input)?.into_iter().enumerate();
    let (_, first) = lines.next().ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no header"))?;
    let header = parse(0, &first)?;
    let events = lines.map(|(number, text)| parse(number, &text)).collect::<io::Result<_>>()?;
    Ok((header, events))
}

/// Reads events without a header: what one process of several has written. A torn last line is left out, as in [`read`].
///
/// # Errors
/// The reader's; or a line is no event, which names its number.
pub fn read_events(input: impl BufRead) -> io::Result<Vec<Event>> {
    whole_lines(input)?.into_iter().enumerate().map(|(number, text)| parse(number, &text)).collect()
}

/// One history of those of several processes. Events of one time stay in the order in which they come.
#[must_use]
pub fn merge(histories: impl IntoIterator<Item = Vec<Event>>) -> Vec<Event> {
    let mut all: Vec<Event> = histories.into_iter().flatten().collect();
    all.sort_by_key(|event| event.at);
    all
}

fn line(mut out: impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    out.write_all(&text)
}

fn whole_lines(mut input: impl BufRead) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut text = Vec::new();
        input.read_until(b'\n', &mut text)?;
        if text.pop() != Some(b'\n') {
            return Ok(lines);
        }
        lines.push(String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?);
    }
}

fn parse<T: for<'a> Deserialize<'a>>(number: usize, text: &str) -> io::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {error}", number + 1)))
}
