//! Tickets, as they come from whoever sent them: whole, altered, forged, or no tickets at all.

use serde_json::{Value, json};
use shylock_core::{FencingToken, LockName, LockTicket, MAX_TTL, MIN_TTL};

use super::json::value;
use crate::input::Input;

/// The target.
pub fn run(data: &[u8]) {
    check(data, |text| serde_json::from_slice(text).ok());
}

fn check(data: &[u8], read: impl Fn(&[u8]) -> Option<LockTicket>) {
    let mut input = Input::new(data);
    let text = match input.byte() % 3 {
        0 => input.rest().to_vec(),
        1 => altered(&mut input).to_string().into_bytes(),
        _ => {
            let mut text = genuine().to_string().into_bytes();
            let at = usize::from(input.byte()) % text.len();
            text[at] ^= input.byte();
            text
        }
    };
    let Some(ticket) = read(&text) else { return };
    let told = serde_json::to_value(&ticket).expect("a ticket can be sent");
    assert_eq!(serde_json::from_value::<LockTicket>(told.clone()).expect("it can be read"), ticket);
    assert!((1..=FencingToken::MAX).contains(&ticket.token().get()));
    assert_eq!(told["token"].as_u64(), Some(ticket.token().get()));
    assert_eq!(told["lock"].as_str(), Some(ticket.name()));
    let ttl = u128::from(told["ttl_ms"].as_u64().expect("a time"));
    assert!((MIN_TTL.as_millis()..=MAX_TTL.as_millis()).contains(&ttl), "{ttl} ms");
    assert!(LockName::new(told["name"].as_str().expect("a name")).is_ok());
    let holder = told["holder"].as_str().expect("a holder");
    assert!(holder.len() == 32 && holder.bytes().all(|digit| digit.is_ascii_hexdigit()), "{holder}");
    // What is no field of a ticket is not looked at, not even whether it is UTF-8.
    let sent: Value = serde_json::from_slice(&text).unwrap_or_default();
    // Each ticket has one spelling, so that what was read is what was sent.
    for field in ["lock", "name", "holder", "token", "ttl_ms", "check"] {
        let Some(sent) = sent.get(field) else { continue };
        assert_eq!(&told[field], sent, "{field}");
    }
    let names = format!("{}{}", ticket.name(), told["name"]);
    assert!(names.contains(&holder[4..]) || !format!("{ticket:?}").contains(&holder[4..]), "a secret is told");
}

fn genuine() -> Value {
    json!({
        "lock": "invoice-42",
        "name": "billing/invoice-42",
        "holder": "00a1b2c3d4e5f60718293a4b5c6d7e8f",
        "token": 1_816_000_000_000_000_u64,
        "ttl_ms": 30_000,
        "check": 1_616_161_616,
    })
}

fn altered(input: &mut Input<'_>) -> Value {
    let mut ticket = genuine();
    for _ in 0..=input.byte() % 3 {
        let field = input.pick(&["lock", "name", "holder", "token", "ttl_ms", "check", "more"]);
        match value(input) {
            Some(value) => ticket[field] = value,
            None => drop(ticket.as_object_mut().expect("it is one").remove(field)),
        }
    }
    ticket
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{corpus, hunt};

    #[test]
    fn a_reader_that_mends_what_it_reads_is_found() {
        let mending = |text: &[u8]| {
            let mut ticket: Value = serde_json::from_slice(text).ok()?;
            ticket["ttl_ms"] = ticket["ttl_ms"].as_u64()?.clamp(1_000, 86_400_000).into();
            serde_json::from_value(ticket).ok()
        };
        hunt(&|data| check(data, mending), &corpus("tickets"), 1, 20_000).expect_err("it is found");
    }
}
