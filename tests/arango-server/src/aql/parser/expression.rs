//! Expressions, by precedence climbing.

use crate::error::Failure;

use super::Parser;
use crate::aql::{
    ast::{Binary, Expression, Unary},
    token::Token,
};

/// More levels than any sensible query has, fewer than the stack has room for.
const DEEPEST: usize = 200;

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expression, Failure> {
        self.with_in(true)
    }

    /// An expression before `IN collection`: an `IN` of its own has to stand in parentheses.
    pub(super) fn operand(&mut self) -> Result<Expression, Failure> {
        self.with_in(false)
    }

    fn with_in(&mut self, in_is_operator: bool) -> Result<Expression, Failure> {
        let before = std::mem::replace(&mut self.in_is_operator, in_is_operator);
        let result = self.nested(Self::ternary);
        self.in_is_operator = before;
        result
    }

    pub(super) fn nested(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<Expression, Failure>,
    ) -> Result<Expression, Failure> {
        if self.depth >= DEEPEST {
            return Err(Failure::new(1501, "syntax error, expression is nested too deeply"));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn ternary(&mut self) -> Result<Expression, Failure> {
        let condition = self.binary(0)?;
        if !self.takes_symbol("?") {
            return Ok(condition);
        }
        let yes = if *self.peek() == Token::Symbol(":") { None } else { Some(Box::new(self.expression()?)) };
        self.symbol(":")?;
        let no = self.nested(Self::ternary)?;
        Ok(Expression::Ternary(Box::new(condition), yes, Box::new(no)))
    }

    fn binary(&mut self, lowest: u8) -> Result<Expression, Failure> {
        let mut left = self.unary()?;
        while let Some((operator, level, tokens)) = self.operator() {
            if level < lowest {
                break;
            }
            for _ in 0..tokens {
                self.advance();
            }
            let right = self.nested(|parser| parser.binary(level + 1))?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    /// The operator that comes next, how tightly it binds, and of how many tokens it is.
    fn operator(&self) -> Option<(Binary, u8, usize)> {
        let (operator, level) = match self.peek() {
            Token::Symbol("||") | Token::Keyword("OR") => (Binary::Or, 2),
            Token::Symbol("&&") | Token::Keyword("AND") => (Binary::And, 3),
            Token::Symbol("==") => (Binary::Equal, 4),
            Token::Symbol("!=") => (Binary::NotEqual, 4),
            Token::Keyword("IN") if self.in_is_operator => (Binary::In, 5),
            Token::Keyword("NOT") if *self.peek_at(1) == Token::Keyword("IN") => return Some((Binary::NotIn, 5, 2)),
            Token::Symbol("<") => (Binary::Less, 6),
            Token::Symbol("<=") => (Binary::LessOrEqual, 6),
            Token::Symbol(">") => (Binary::Greater, 6),
            Token::Symbol(">=") => (Binary::GreaterOrEqual, 6),
            Token::Symbol("..") => (Binary::Range, 7),
            Token::Symbol("+") => (Binary::Add, 8),
            Token::Symbol("-") => (Binary::Subtract, 8),
            Token::Symbol("*") => (Binary::Multiply, 9),
            Token::Symbol("/") => (Binary::Divide, 9),
            Token::Symbol("%") => (Binary::Remainder, 9),
            _ => return None,
        };
        Some((operator, level, 1))
    }

    fn unary(&mut self) -> Result<Expression, Failure> {
        let operator = match self.peek() {
            Token::Symbol("!") | Token::Keyword("NOT") => Unary::Not,
            Token::Symbol("-") => Unary::Minus,
            Token::Symbol("+") => Unary::Plus,
            _ => return self.postfix(),
        };
        self.advance();
        let operand = self.nested(Self::unary)?;
        Ok(Expression::Unary(operator, Box::new(operand)))
    }
}
