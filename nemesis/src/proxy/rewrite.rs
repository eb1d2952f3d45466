//! A library that takes one server's word for a majority's, made on the wire: `w: "majority", j: true` becomes `w: 1,
//! j: false`.

use shylock_tests::Message;

/// Changes the write concern, if it is there.
pub(crate) fn one_server(message: Message) -> Message {
    let Some(mut command) = message.body() else { return message };
    match command.get_document_mut("writeConcern") {
        Ok(concern) if concern.get_str("w").is_ok_and(|w| w == "majority") => {
            concern.insert("w", 1);
            if concern.contains_key("j") {
                concern.insert("j", false);
            }
        }
        _ => return message,
    }
    message.with_body(&command)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{Document, doc};

    use super::*;

    #[test]
    fn a_majority_becomes_one_and_the_rest_stays() {
        let command = |concern: Document| {
            let body = doc! { "findAndModify": "locks", "query": { "_id": "w" }, "writeConcern": concern, "$db": "x" };
            Message::reply_to(0, &body)
        };
        let changed = one_server(command(doc! { "w": "majority", "j": true, "wtimeout": 10_000_i64 }));
        assert_eq!(changed, command(doc! { "w": 1, "j": false, "wtimeout": 10_000_i64 }));
    }

    #[test]
    fn other_messages_pass_as_they_are() {
        let hello = Message::reply_to(0, &doc! { "hello": 1, "$db": "admin" });
        assert_eq!(one_server(hello.clone()), hello);
    }
}
