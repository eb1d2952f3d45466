//! Operations that read.

use crate::error::Failure;

use super::Parser;
use crate::aql::{
    ast::{Collection, Direction, Expression, Operation, Query, Source},
    token::Token,
};

impl Parser<'_> {
    pub(super) fn query(&mut self) -> Result<Query, Failure> {
        let mut operations = Vec::new();
        loop {
            if *self.peek() == Token::End {
                let complete = matches!(operations.last(), Some(Operation::Return { .. } | Operation::Write(_)));
                return if complete { Ok(Query { operations }) } else { Err(self.unexpected()) };
            }
            if matches!(operations.last(), Some(Operation::Return { .. })) {
                return Err(self.unexpected());
            }
            operations.push(self.operation()?);
        }
    }

    fn operation(&mut self) -> Result<Operation, Failure> {
        match self.peek() {
            Token::Keyword("FOR") => self.for_each(),
            Token::Keyword("LET") => self.assignment(),
            Token::Keyword("FILTER") => {
                self.advance();
                self.expression().map(Operation::Filter)
            }
            Token::Keyword("SORT") => self.sort(),
            Token::Keyword("LIMIT") => self.limit(),
            Token::Keyword("RETURN") => {
                self.advance();
                let distinct = self.takes_keyword("DISTINCT");
                Ok(Operation::Return { distinct, value: self.expression()? })
            }
            Token::Keyword("INSERT" | "UPDATE" | "REPLACE" | "REMOVE" | "UPSERT") => self.write().map(Operation::Write),
            _ => Err(self.unexpected()),
        }
    }

    fn for_each(&mut self) -> Result<Operation, Failure> {
        self.advance();
        let variable = self.identifier()?;
        self.keyword("IN")?;
        let source = if let Token::SourceBind(name) = self.peek() {
            let name = name.clone();
            self.advance();
            Source::Collection(Collection::Bind(name))
        } else {
            match self.expression()? {
                Expression::Variable(name) => Source::Name(name),
                expression => Source::Expression(expression),
            }
        };
        self.hints()?;
        Ok(Operation::For { variable, source })
    }

    /// The options of a FOR. There is nothing here for them to change.
    fn hints(&mut self) -> Result<(), Failure> {
        let Token::Identifier(word) = self.peek() else { return Ok(()) };
        if !word.eq_ignore_ascii_case("OPTIONS") {
            return Err(self.qualifier(word, "'SEARCH' or 'OPTIONS'"));
        }
        self.advance();
        if *self.peek() != Token::Symbol("{") {
            return Err(self.unexpected());
        }
        self.expression().map(drop)
    }

    fn assignment(&mut self) -> Result<Operation, Failure> {
        self.advance();
        let variable = self.identifier()?;
        self.symbol("=")?;
        Ok(Operation::Let { variable, value: self.expression()? })
    }

    fn sort(&mut self) -> Result<Operation, Failure> {
        self.advance();
        let mut keys = Vec::new();
        loop {
            let key = self.expression()?;
            let descending = self.takes_keyword("DESC");
            if !descending {
                self.takes_keyword("ASC");
            }
            keys.push((key, if descending { Direction::Descending } else { Direction::Ascending }));
            if !self.takes_symbol(",") {
                return Ok(Operation::Sort(keys));
            }
        }
    }

    fn limit(&mut self) -> Result<Operation, Failure> {
        self.advance();
        let first = self.expression()?;
        if self.takes_symbol(",") {
            return Ok(Operation::Limit { offset: Some(first), count: self.expression()? });
        }
        Ok(Operation::Limit { offset: None, count: first })
    }
}
