//! The smallest expressions, and what may follow them.

use crate::{error::Failure, value::Value};

use super::Parser;
use crate::aql::{
    ast::{Expression, Name},
    token::Token,
};

impl Parser<'_> {
    pub(super) fn postfix(&mut self) -> Result<Expression, Failure> {
        let mut expression = self.primary()?;
        loop {
            if self.takes_symbol(".") {
                let name = match self.peek() {
                    Token::Bind(name) => {
                        let name = Name::Bind(name.clone());
                        self.advance();
                        name
                    }
                    _ => Name::Fixed(self.identifier()?),
                };
                expression = Expression::Attribute(Box::new(expression), name);
            } else if self.takes_symbol("[") {
                let index = self.expression()?;
                self.symbol("]")?;
                expression = Expression::Index(Box::new(expression), Box::new(index));
            } else {
                return Ok(expression);
            }
        }
    }

    fn primary(&mut self) -> Result<Expression, Failure> {
        let literal = match self.peek() {
            Token::Keyword("NULL") => Value::Null,
            Token::Keyword("TRUE") => Value::Bool(true),
            Token::Keyword("FALSE") => Value::Bool(false),
            Token::Integer(number) => Value::Int(*number),
            Token::Double(number) => Value::Double(*number),
            Token::Quoted(text) => Value::string(text.as_str()),
            Token::Bind(name) => {
                let name = name.clone();
                self.advance();
                return Ok(Expression::Bind(name));
            }
            Token::Identifier(_) => return self.named(),
            Token::Symbol("(") => {
                self.advance();
                let inner = self.expression()?;
                self.symbol(")")?;
                return Ok(inner);
            }
            Token::Symbol("[") => {
                self.advance();
                return self.list("]", Self::expression).map(Expression::Array);
            }
            Token::Symbol("{") => {
                self.advance();
                return self.list("}", Self::attribute).map(Expression::Object);
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Expression::Literal(literal))
    }

    /// A variable or a function call.
    fn named(&mut self) -> Result<Expression, Failure> {
        let name = self.identifier()?;
        if !self.takes_symbol("(") {
            return Ok(Expression::Variable(name));
        }
        Ok(Expression::Call(name.to_ascii_uppercase(), self.list(")", Self::expression)?))
    }

    /// Items and commas up to the closing symbol; a comma may come last.
    fn list<T>(
        &mut self,
        close: &'static str,
        item: impl Fn(&mut Self) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut items = Vec::new();
        while !self.takes_symbol(close) {
            items.push(item(self)?);
            if !self.takes_symbol(",") {
                self.symbol(close)?;
                break;
            }
        }
        Ok(items)
    }

    fn attribute(&mut self) -> Result<(Name, Expression), Failure> {
        let name = match self.advance() {
            Token::Identifier(name) => {
                if *self.peek() != Token::Symbol(":") {
                    return Ok((Name::Fixed(name.clone()), Expression::Variable(name)));
                }
                Name::Fixed(name)
            }
            Token::Quoted(name) => Name::Fixed(name),
            Token::Bind(name) => Name::Bind(name),
            Token::Symbol("[") => {
                let computed = self.expression()?;
                self.symbol("]")?;
                Name::Computed(Box::new(computed))
            }
            _ => {
                self.next -= 1;
                return Err(self.unexpected());
            }
        };
        self.symbol(":")?;
        Ok((name, self.expression()?))
    }
}
