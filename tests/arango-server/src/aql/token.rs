//! The words of the language.

use super::keyword;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A reserved word, in capitals.
    Keyword(&'static str),
    Identifier(String),
    Quoted(String),
    Integer(i64),
    Double(f64),
    /// `@name`
    Bind(String),
    /// `@@name`; the name has its own `@`, as among the bind values.
    SourceBind(String),
    Symbol(&'static str),
    End,
}

/// A token and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) start: usize,
}

impl Token {
    /// What a syntax error calls it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Keyword(word) => keyword::describe(word),
            Self::Identifier(_) => "identifier".to_owned(),
            Self::Quoted(_) => "quoted string".to_owned(),
            Self::Integer(_) => "integer number".to_owned(),
            Self::Double(_) => "number".to_owned(),
            Self::Bind(_) => "bind parameter".to_owned(),
            Self::SourceBind(_) => "bind data source parameter".to_owned(),
            Self::Symbol("=") => "assignment".to_owned(),
            Self::Symbol("!") => "not operator".to_owned(),
            Self::Symbol("&&") => "and operator".to_owned(),
            Self::Symbol("||") => "or operator".to_owned(),
            Self::Symbol(symbol @ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "%")) => {
                format!("{symbol} operator")
            }
            Self::Symbol(symbol) => (*symbol).to_owned(),
            Self::End => "end of query string".to_owned(),
        }
    }
}
