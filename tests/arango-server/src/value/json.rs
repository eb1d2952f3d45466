//! Values as JSON text, with numbers written as the real server writes them.

use super::{Value, number::from_integer};

/// How whole numbers leave the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Numbers {
    #[default]
    AsTheyAre,
    /// Every integer is written as a double, `5` as `5.0`.
    AllDoubles,
}

pub(crate) fn write(value: &Value, numbers: Numbers, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&match numbers {
            Numbers::AsTheyAre => number.to_string(),
            Numbers::AllDoubles => unmistakable(from_integer(*number)),
        }),
        Value::Double(number) => text.push_str(&match numbers {
            Numbers::AsTheyAre => double(*number),
            Numbers::AllDoubles => unmistakable(*number),
        }),
        Value::String(string) => text.push_str(&quote(string)),
        Value::Array(items) => list(text, '[', ']', items.iter(), |text, item| write(item, numbers, text)),
        Value::Object(attributes) => list(text, '{', '}', attributes.iter(), |text, (name, value)| {
            text.push_str(&quote(name));
            text.push(':');
            write(value, numbers, text);
        }),
    }
}

/// The shortest digits that mean this number. Without a point where it is whole, and with an
/// exponent where more than seven zeros would follow (velocypack, `src/fpconv.cpp`).
pub(crate) fn double(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let trailing_zeros = exponent - i32::try_from(places).unwrap_or(i32::MAX);
    let plain = if trailing_zeros >= 0 { trailing_zeros < 8 } else { trailing_zeros > -7 || exponent.abs() < 4 };
    if plain {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{}", exponent.abs())
}

fn unmistakable(number: f64) -> String {
    let text = double(number);
    if text.contains(['.', 'e']) { text } else { text + ".0" }
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list<T>(
    text: &mut String,
    open: char,
    close: char,
    items: impl Iterator<Item = T>,
    mut item: impl FnMut(&mut String, T),
) {
    text.push(open);
    for (position, each) in items.enumerate() {
        if position > 0 {
            text.push(',');
        }
        item(text, each);
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_short_and_large_round_ones_have_an_exponent() {
        let table = [
            (0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (1_734_500_000_000.0, "1.7345e+12"),
            (1_734_512_345_678.0, "1734512345678"),
            (1_734_512_345.678, "1734512345.678"),
            (10_000_000.0, "10000000"),
            (100_000_000.0, "1e+8"),
            (0.001, "0.001"),
            (1e-7, "1e-7"),
            (1.5e300, "1.5e+300"),
        ];
        for (number, text) in table {
            assert_eq!(double(number), text);
            assert_eq!(text.parse(), Ok(number));
        }
    }

    #[test]
    fn all_numbers_can_be_doubles() {
        let mut text = String::new();
        let numbers = vec![Value::Int(5), Value::Int(1_734_500_000_000), Value::Double(0.5)];
        write(&Value::array(numbers), Numbers::AllDoubles, &mut text);
        assert_eq!(text, "[5.0,1.7345e+12,0.5]");
    }
}
