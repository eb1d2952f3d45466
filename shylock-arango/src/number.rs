//! Numbers in replies. The server writes some whole numbers as `1.7345e+12`, so each is taken as a double and checked.

use serde_json::Value;

/// A whole number from 0 to 2^53 − 1.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    const LARGEST: u64 = (1 << 53) - 1;
    let exact = value.as_u64().or_else(|| {
        let double = value.as_f64()?;
        // By way of a text, since there is no conversion that checks.
        let is_whole = (0.0..=1e16).contains(&double) && double.fract() == 0.0;
        is_whole.then(|| format!("{:.0}", double.abs()).parse().ok())?
    });
    exact.filter(|number| *number <= LARGEST)
}

/// A double that is one: JSON knows neither NaN nor infinity.
pub(crate) fn double(value: &Value) -> Option<f64> {
    value.as_f64().filter(|double| double.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn whole_numbers_are_read_in_any_form() {
        for (text, number) in [
            ("0", 0),
            ("0.0", 0),
            ("-0.0", 0),
            ("1", 1),
            ("1.7345e+12", 1_734_500_000_000),
            ("1776128000000000.0", 1_776_128_000_000_000),
            ("9007199254740991", 9_007_199_254_740_991),
            ("9007199254740991.0", 9_007_199_254_740_991),
        ] {
            assert_eq!(whole(&parsed(text)), Some(number), "{text}");
        }
    }

    #[test]
    fn everything_else_is_none() {
        for text in
            ["-1", "-5.0", "1.5", "9007199254740992", "9007199254740992.0", "1e300", "18446744073709551615", "\"1\""]
        {
            assert_eq!(whole(&parsed(text)), None, "{text}");
        }
        for text in ["null", "true", "[1]", "{}"] {
            assert_eq!((whole(&parsed(text)), double(&parsed(text))), (None, None), "{text}");
        }
    }
}
