//! Percent-encoding.

/// Decodes `%XX`; what is malformed stays as it is.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = text_of(after).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.get(..2)?).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn decodes_what_is_encoded() {
        for (text, decoded) in
            [("my%20db", "my db"), ("a%2Fb", "a/b"), ("100%", "100%"), ("%zz", "%zz"), ("%c3%a4", "ä")]
        {
            assert_eq!(super::decode(text), decoded);
        }
    }
}
