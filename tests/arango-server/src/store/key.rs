//! Document keys.

use crate::{error::Failure, value::Value};

/// In bytes.
const LONGEST: usize = 254;

/// The key, if it is one.
pub(crate) fn checked(key: &Value) -> Result<String, Failure> {
    let key = key.as_str().filter(|key| is_key(key)).ok_or_else(|| Failure::of(1221))?;
    Ok(key.to_owned())
}

fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@()+,=;$!*'%:".contains(&byte);
    (1..=LONGEST).contains(&key.len()) && key.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_254_bytes_of_a_small_alphabet() {
        for key in ["a", "A-Z_0.9", "@()+,=;$!*'%:", &"k".repeat(254)] {
            assert_eq!(checked(&Value::string(key)), Ok(key.to_owned()));
        }
        for key in ["", "a/b", "a b", "ä", "a\n", &"k".repeat(255)] {
            assert_eq!(checked(&Value::string(key)), Err(Failure::of(1221)), "{key}");
        }
        assert_eq!(checked(&Value::Int(1)), Err(Failure::of(1221)));
    }
}
