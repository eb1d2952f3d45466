//! The driver's errors in plain words. Its own texts contain dumps: of replies as hexadecimal digits, of whole commands,
//! and of values as Rust prints them for debugging. Pure.

use mongodb::{
    bson::RawDocument,
    error::{Error as DriverError, ErrorKind, WriteFailure},
};

/// One line that says what went wrong.
pub(crate) fn text(error: &DriverError) -> String {
    match &*error.kind {
        ErrorKind::Command(refused) => named(Some(refused.code), &refused.code_name, &refused.message),
        ErrorKind::Write(WriteFailure::WriteError(refused)) => {
            named(Some(refused.code), refused.code_name.as_deref().unwrap_or_default(), &refused.message)
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(missed)) => {
            format!("write concern not satisfied: {}", named(Some(missed.code), &missed.code_name, &missed.message))
        }
        ErrorKind::InvalidResponse { message, .. } => {
            let reply = error.server_response().and_then(|reply| message_of(reply));
            reply.map_or_else(
                || format!("the reply of the server cannot be read: {}", without_dumps(message)),
                |message| named(None, "", &message),
            )
        }
        ErrorKind::ServerSelection { message, .. } => no_server(message),
        kind => without_dumps(&kind.to_string()),
    }
}

/// An error of the server: its code, its name, its message, as far as they are known.
pub(crate) fn named(code: Option<i32>, name: &str, message: &str) -> String {
    let message = without_command(message);
    let message = if message.is_empty() { "the server gave no reason" } else { &message };
    match (code, name) {
        (None, _) => format!("error without a code: {message}"),
        (Some(code), "") => format!("error {code}: {message}"),
        (Some(code), name) => format!("error {code} ({name}): {message}"),
    }
}

/// What a reply says that has no code.
fn message_of(reply: &RawDocument) -> Option<String> {
    ["errmsg", "err"].iter().find_map(|field| reply.get_str(field).ok()).map(str::to_owned)
}

/// The server quotes the command for which a right is missing, with the signature of its cluster time.
fn without_command(message: &str) -> String {
    const QUOTED: &str = " to execute command { ";
    match message.split_once(QUOTED) {
        Some((before, command)) => {
            let name = command.split(':').next().unwrap_or_default();
            format!("{before} to execute the command `{name}`")
        }
        None => without_dumps(message),
    }
}

/// Why no server was selected: what is wrong with each.
fn no_server(message: &str) -> String {
    let message = without_dumps(message);
    let Some((reason, topology)) = message.split_once(" Topology: ") else { return message };
    let servers: Vec<String> = topology.split("{ Address: ").skip(1).map(server).collect();
    let what = if reason.contains("No available servers") { "no server can be reached" } else { "there is no primary" };
    if servers.is_empty() {
        return match topology.split_once("Set Name: ") {
            Some((_, rest)) => {
                format!("{what}: none is in the replica set {}", rest.split([',', ' ']).next().unwrap_or_default())
            }
            None => what.into(),
        };
    }
    format!("{what}: {}", servers.join("; "))
}

/// `ADDRESS, Type: TYPE, … }` or `ADDRESS, Type: Unknown, Error: … }`.
fn server(text: &str) -> String {
    let text = text.trim_end_matches([' ', '}', ']', ',']);
    let (address, rest) = text.split_once(", Type: ").unwrap_or((text, ""));
    if let Some((_, error)) = rest.split_once("Error: ") {
        return format!("{address}: {error}");
    }
    let kind = match rest.split(',').next().unwrap_or_default() {
        "RsSecondary" => "a secondary",
        "RsArbiter" => "an arbiter",
        "RsGhost" | "RsOther" => "not a working member of a replica set",
        "RsPrimary" => "the primary",
        "Unknown" => "not yet known",
        other => other,
    };
    format!("{address} is {kind}")
}

/// Where the dump of an error inside of another begins, and what it consists of.
const DUMP: [&str; 3] = [", labels: ", ", source: ", ", server response: "];

/// Without the dumps that follow the text of each error inside of this one.
pub(crate) fn without_dumps(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(DUMP[0]) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        for part in DUMP {
            rest = rest.strip_prefix(part).map_or(rest, after_value);
        }
        // It was something else.
        if let Some(same) = rest.strip_prefix(DUMP[0]) {
            plain.push_str(DUMP[0]);
            rest = same;
        }
    }
    plain.push_str(rest);
    plain.replace("Kind: ", "")
}

/// What follows a value that Rust has printed for debugging.
fn after_value(text: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' if depth == 0 => return &text[at..],
            '}' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => return &text[at..],
            ' ' if depth == 0 && text[at..].starts_with(" }") => return &text[at..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "Kind: I/O error: Connection refused (os error 111), labels: {\"RetryableError\", \"a } b\"}, \
         source: Some(Error { kind: Io(Kind(TimedOut)) }), server response: Some(RawDocumentBuf { data: \"2100(\" })";

    #[test]
    fn dumps_of_inner_errors_are_left_out() {
        assert_eq!(without_dumps(REFUSED), "I/O error: Connection refused (os error 111)");
        let twice = format!("pool cleared: {REFUSED} }} and {REFUSED}");
        let refused = "I/O error: Connection refused (os error 111)";
        assert_eq!(without_dumps(&twice), format!("pool cleared: {refused} }} and {refused}"));
        for plain in ["", "no dump", "labels: {}", "a, labels: b"] {
            assert!(plain.starts_with(&without_dumps(plain)) || without_dumps(plain) == plain, "{plain}");
        }
        assert_eq!(without_dumps("cut off, labels: {\"a"), "cut off");
    }

    #[test]
    fn servers_are_named_with_their_faults() {
        let none = format!(
            "Server selection timeout: No available servers. Topology: {{ Type: Unknown, Servers: [ {{ Address: a:1, \
             Type: Unknown, Error: {REFUSED} }}, {{ Address: [::1]:2, Type: Unknown }} ] }}"
        );
        let text = no_server(&none);
        let refused = "I/O error: Connection refused (os error 111)";
        assert_eq!(text, format!("no server can be reached: a:1: {refused}; [::1]:2 is not yet known"));
        let secondary = "Server selection timeout: None of the available servers suitable for criteria \
             ReadPreference(Primary). Topology: { Type: ReplicaSetNoPrimary, Set Name: x, Servers: [ { Address: a:1, \
             Type: RsSecondary, Average RTT: 1ms, Tags: {} } ] }";
        assert_eq!(no_server(secondary), "there is no primary: a:1 is a secondary");
        let other =
            "Server selection timeout: No available servers. Topology: { Type: ReplicaSetNoPrimary, Set Name: x }";
        assert_eq!(no_server(other), "no server can be reached: none is in the replica set x");
        assert_eq!(no_server("Server at a:1 reports more"), "Server at a:1 reports more");
    }

    #[test]
    fn errors_are_named_by_code_and_name() {
        assert_eq!(named(Some(13), "Unauthorized", "no"), "error 13 (Unauthorized): no");
        assert_eq!(named(Some(17), "", ""), "error 17: the server gave no reason");
        assert_eq!(named(None, "", "down"), "error without a code: down");
        let quoting =
            "not authorized on db to execute command { find: \"locks\", $clusterTime: { hash: BinData(0, 0F) } }";
        assert_eq!(named(Some(13), "x", quoting), "error 13 (x): not authorized on db to execute the command `find`");
    }
}
