//! From tokens to a query: recursive descent over the operations, precedence climbing inside.

mod expression;
mod operation;
mod primary;
mod write;

use crate::error::Failure;

use super::{
    ast::Query,
    lexer,
    token::{Lexeme, Token},
};

/// Parses one query.
pub(crate) fn parse(text: &str) -> Result<Query, Failure> {
    if text.trim().is_empty() {
        return Err(Failure::of(1502));
    }
    let lexemes = lexer::tokens(text)?;
    Parser { text, lexemes, next: 0, depth: 0, in_is_operator: true }.query()
}

struct Parser<'a> {
    text: &'a str,
    lexemes: Vec<Lexeme>,
    next: usize,
    depth: usize,
    in_is_operator: bool,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    /// The last token, the end, never goes away.
    fn peek_at(&self, ahead: usize) -> &Token {
        &self.lexemes[(self.next + ahead).min(self.lexemes.len() - 1)].token
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.next = (self.next + 1).min(self.lexemes.len() - 1);
        token
    }

    /// Takes the next token if it is this one.
    fn takes(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.advance();
        }
        found
    }

    fn takes_symbol(&mut self, symbol: &'static str) -> bool {
        self.takes(&Token::Symbol(symbol))
    }

    fn takes_keyword(&mut self, word: &'static str) -> bool {
        self.takes(&Token::Keyword(word))
    }

    fn expect(&mut self, token: &Token) -> Result<(), Failure> {
        if self.takes(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn symbol(&mut self, symbol: &'static str) -> Result<(), Failure> {
        self.expect(&Token::Symbol(symbol))
    }

    fn keyword(&mut self, word: &'static str) -> Result<(), Failure> {
        self.expect(&Token::Keyword(word))
    }

    fn identifier(&mut self) -> Result<String, Failure> {
        match self.peek() {
            Token::Identifier(name) => {
                let name = name.clone();
                self.advance();
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// A word in the place of a qualifier that is none.
    fn qualifier(&self, word: &str, expected: &str) -> Failure {
        let start = self.lexemes[self.next].start;
        lexer::error(self.text, &format!("unexpected qualifier '{word}', expecting {expected}"), start)
    }

    fn unexpected(&self) -> Failure {
        let Lexeme { token, start, .. } = &self.lexemes[self.next];
        lexer::unexpected(self.text, &token.describe(), *start)
    }
}
