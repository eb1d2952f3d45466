//! Operations that modify data.

use crate::error::Failure;

use super::Parser;
use crate::aql::{
    ast::{Change, Collection, Expression, Name, Write, WriteKind},
    token::Token,
};

impl Parser<'_> {
    pub(super) fn write(&mut self) -> Result<Write, Failure> {
        let kind = match self.advance() {
            Token::Keyword("INSERT") => WriteKind::Insert { document: self.operand()? },
            Token::Keyword("UPDATE") => self.change(Change::Update)?,
            Token::Keyword("REPLACE") => self.change(Change::Replace)?,
            Token::Keyword("REMOVE") => WriteKind::Remove { key: self.operand()? },
            _ => self.upsert()?,
        };
        if !self.takes_keyword("IN") {
            self.keyword("INTO")?;
        }
        Ok(Write { kind, collection: self.collection()?, options: self.options()? })
    }

    fn change(&mut self, how: Change) -> Result<WriteKind, Failure> {
        let key = self.operand()?;
        let with = if self.takes_keyword("WITH") { Some(self.operand()?) } else { None };
        Ok(WriteKind::Change { key, with, how })
    }

    fn upsert(&mut self) -> Result<WriteKind, Failure> {
        let search = self.operand()?;
        self.keyword("INSERT")?;
        let insert = self.operand()?;
        let how = if self.takes_keyword("REPLACE") {
            Change::Replace
        } else {
            self.keyword("UPDATE")?;
            Change::Update
        };
        Ok(WriteKind::Upsert { search, insert, change: self.operand()?, how })
    }

    fn collection(&mut self) -> Result<Collection, Failure> {
        if let Token::SourceBind(name) = self.peek() {
            let name = name.clone();
            self.advance();
            return Ok(Collection::Bind(name));
        }
        self.identifier().map(Collection::Name)
    }

    fn options(&mut self) -> Result<Vec<(Name, Expression)>, Failure> {
        let Token::Identifier(word) = self.peek() else { return Ok(Vec::new()) };
        let is_options = word.eq_ignore_ascii_case("OPTIONS");
        if *self.peek_at(1) != Token::Symbol("{") {
            self.advance();
            return Err(self.unexpected());
        }
        if !is_options {
            return Err(self.qualifier(word, "'OPTIONS'"));
        }
        self.advance();
        match self.expression()? {
            Expression::Object(options) => Ok(options),
            _ => Err(self.unexpected()),
        }
    }
}
