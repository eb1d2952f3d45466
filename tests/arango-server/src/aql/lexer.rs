//! From characters to tokens.

use crate::{
    error::Failure,
    value::{Value, number},
};

use super::{
    keyword,
    token::{Lexeme, Token},
};

/// Longer symbols first.
const SYMBOLS: [&str; 31] = [
    "==", "!=", "<=", ">=", "&&", "||", "..", "::", "=~", "!~", "<", ">", "=", "!", "+", "-", "*", "/", "%", "?", ":",
    ",", "(", ")", "[", "]", "{", "}", ".", ";", "~",
];

/// All tokens of the text, with an end token after them.
pub(crate) fn tokens(text: &str) -> Result<Vec<Lexeme>, Failure> {
    let mut lexer = Lexer { text, position: 0 };
    let mut found = Vec::new();
    loop {
        lexer.skip_blank()?;
        let start = lexer.position;
        let token = lexer.token()?;
        let last = token == Token::End;
        found.push(Lexeme { token, start });
        if last {
            return Ok(found);
        }
    }
}

/// The error for what stands at this place and should not.
pub(crate) fn unexpected(text: &str, what: &str, start: usize) -> Failure {
    error(text, &format!("syntax error, unexpected {what}"), start)
}

/// The error for what is wrong at this place.
pub(crate) fn error(text: &str, what: &str, start: usize) -> Failure {
    let (line, column) = place(text, start);
    let near = text.get(start..).unwrap_or_default();
    Failure::new(1501, format!("{what} near '{near}' at position {line}:{column}"))
}

/// Line and column, counted from one.
fn place(text: &str, start: usize) -> (usize, usize) {
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = &self.rest()[..length];
        self.position += length;
        taken
    }

    fn take_while(&mut self, test: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        self.take(rest.find(|each| !test(each)).unwrap_or(rest.len()))
    }

    /// White space and comments.
    fn skip_blank(&mut self) -> Result<(), Failure> {
        loop {
            self.take_while(|each| each.is_ascii_whitespace());
            if self.rest().starts_with("//") {
                self.take_while(|each| each != '\n');
            } else if self.rest().starts_with("/*") {
                let end = self.rest().find("*/").ok_or_else(|| self.error("unterminated multi-line comment"))?;
                self.take(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, Failure> {
        let Some(first) = self.rest().chars().next() else { return Ok(Token::End) };
        match first {
            '0'..='9' => self.number(),
            '"' | '\'' => self.quoted(first).map(Token::Quoted),
            '`' => self.quoted(first).map(Token::Identifier),
            '@' => self.bind(),
            _ if first.is_ascii_alphabetic() || matches!(first, '_' | '$') => self.word(),
            _ => self.symbol(),
        }
    }

    fn symbol(&mut self) -> Result<Token, Failure> {
        let found = SYMBOLS.into_iter().find(|symbol| self.rest().starts_with(symbol));
        let symbol = found.ok_or_else(|| self.error("character"))?;
        self.take(symbol.len());
        Ok(Token::Symbol(symbol))
    }

    fn word(&mut self) -> Result<Token, Failure> {
        let start = self.position;
        let word = self.take_while(|each| each.is_ascii_alphanumeric() || matches!(each, '_' | '$'));
        let name = word.trim_start_matches(['_', '$']);
        let dollars = word.matches('$').count();
        let well_formed = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && (dollars == 0 || (dollars == 1 && word.starts_with('$') && word.len() == name.len() + 1));
        if !well_formed {
            return Err(unexpected(self.text, "character", start));
        }
        Ok(keyword::find(word).map_or_else(|| Token::Identifier(word.to_owned()), Token::Keyword))
    }

    fn bind(&mut self) -> Result<Token, Failure> {
        let start = self.position;
        let source = self.rest().starts_with("@@");
        self.take(if source { 2 } else { 1 });
        let name = self.take_while(|each| each.is_ascii_alphanumeric() || each == '_');
        if name.trim_matches('_').is_empty() {
            return Err(unexpected(self.text, "character", start));
        }
        Ok(if source { Token::SourceBind(format!("@{name}")) } else { Token::Bind(name.to_owned()) })
    }

    fn number(&mut self) -> Result<Token, Failure> {
        let start = self.position;
        self.take_while(|each| each.is_ascii_digit());
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|each| each.is_ascii_digit()) {
            self.take(1);
            self.take_while(|each| each.is_ascii_digit());
        }
        let mut after = self.rest().chars();
        if matches!(after.next(), Some('e' | 'E')) {
            let signed = matches!(after.clone().next(), Some('+' | '-'));
            if after.nth(usize::from(signed)).is_some_and(|each| each.is_ascii_digit()) {
                self.take(if signed { 2 } else { 1 });
                self.take_while(|each| each.is_ascii_digit());
            }
        }
        match number::parse(&self.text[start..self.position]) {
            Some(Value::Int(number)) => Ok(Token::Integer(number)),
            Some(Value::Double(number)) => Ok(Token::Double(number)),
            _ => Err(unexpected(self.text, "number out of range", start)),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, Failure> {
        let start = self.position;
        let unterminated = || unexpected(self.text, "unterminated string literal", start);
        let mut result = String::new();
        let mut characters = self.text[start..].char_indices().skip(1);
        while let Some((offset, each)) = characters.next() {
            match each {
                '\\' if quote != '`' => {
                    let (_, escaped) = characters.next().ok_or_else(unterminated)?;
                    if escaped == 'u' {
                        let digits: String = characters.by_ref().take(4).map(|(_, digit)| digit).collect();
                        let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                        result.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
                    } else {
                        result.push(unescape(escaped));
                    }
                }
                _ if each == quote => {
                    self.position = start + offset + 1;
                    return Ok(result);
                }
                _ => result.push(each),
            }
        }
        Err(unterminated())
    }

    fn error(&self, what: &str) -> Failure {
        unexpected(self.text, what, self.position)
    }
}

fn unescape(escaped: char) -> char {
    match escaped {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}
