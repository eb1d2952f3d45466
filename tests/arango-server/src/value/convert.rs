//! From and to serde's JSON.

use serde_json::{Number, Value as Json};

use super::{Value, json};

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => from_number(&number),
            Json::String(text) => Self::string(text),
            Json::Array(items) => Self::array(items.into_iter().map(Self::from).collect()),
            Json::Object(members) => {
                Self::object(members.into_iter().map(|(name, value)| (name, Self::from(value))).collect())
            }
        }
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(number) => Self::from(*number),
            // As a reader of the server's text gets it: `1000` is no double any more.
            Value::Double(number) => json::double(*number).parse().map_or(Self::Null, Self::Number),
            Value::String(text) => Self::from(&**text),
            Value::Array(items) => items.iter().map(Self::from).collect(),
            Value::Object(attributes) => {
                Self::Object(attributes.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
            }
        }
    }
}

fn from_number(number: &Number) -> Value {
    let integer = number.as_i64().map(Value::Int);
    integer.or_else(|| number.as_f64().map(Value::double)).unwrap_or(Value::Null)
}
