//! What the parser makes of a text.

use crate::value::Value;

#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) operations: Vec<Operation>,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    For { variable: String, source: Source },
    Let { variable: String, value: Expression },
    Filter(Expression),
    Sort(Vec<(Expression, Direction)>),
    Limit { offset: Option<Expression>, count: Expression },
    Return { distinct: bool, value: Expression },
    Write(Write),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

/// What a FOR goes through.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Collection(Collection),
    /// A name that is a variable's if there is one, else a collection's.
    Name(String),
    Expression(Expression),
}

#[derive(Debug, Clone)]
pub(crate) enum Collection {
    Name(String),
    Bind(String),
}

/// A data modification.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) kind: WriteKind,
    pub(crate) collection: Collection,
    pub(crate) options: Vec<(Name, Expression)>,
}

#[derive(Debug, Clone)]
pub(crate) enum WriteKind {
    Insert {
        document: Expression,
    },
    /// Without `with`, the document is its own key.
    Change {
        key: Expression,
        with: Option<Expression>,
        how: Change,
    },
    Remove {
        key: Expression,
    },
    Upsert {
        search: Expression,
        insert: Expression,
        change: Expression,
        how: Change,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Update,
    Replace,
}

#[derive(Debug, Clone)]
pub(crate) enum Expression {
    Literal(Value),
    Variable(String),
    Bind(String),
    Array(Vec<Expression>),
    Object(Vec<(Name, Expression)>),
    Attribute(Box<Expression>, Name),
    Index(Box<Expression>, Box<Expression>),
    Unary(Unary, Box<Expression>),
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// `a ? b : c`, or `a ?: c`
    Ternary(Box<Expression>, Option<Box<Expression>>, Box<Expression>),
    Call(String, Vec<Expression>),
}

/// The name of an attribute.
#[derive(Debug, Clone)]
pub(crate) enum Name {
    Fixed(String),
    Bind(String),
    Computed(Box<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
    Plus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    In,
    NotIn,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Expression {
    /// The expressions that this one is made of.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Literal(_) | Self::Variable(_) | Self::Bind(_) => Vec::new(),
            Self::Array(items) | Self::Call(_, items) => items.iter().collect(),
            Self::Object(attributes) => {
                attributes.iter().flat_map(|(name, value)| name.expression().into_iter().chain([value])).collect()
            }
            Self::Attribute(of, name) => name.expression().into_iter().chain([&**of]).collect(),
            Self::Unary(_, of) => vec![of],
            Self::Index(left, right) | Self::Binary(_, left, right) => vec![left, right],
            Self::Ternary(condition, yes, no) => {
                [Some(condition), yes.as_ref(), Some(no)].into_iter().flatten().map(|part| &**part).collect()
            }
        }
    }

    /// Whether this or a part of this is as asked.
    pub(crate) fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        test(self) || self.parts().into_iter().any(|part| part.any(test))
    }

    pub(crate) fn names(&self) -> Vec<&Name> {
        match self {
            Self::Attribute(_, name) => vec![name],
            Self::Object(attributes) => attributes.iter().map(|(name, _)| name).collect(),
            _ => Vec::new(),
        }
    }
}

impl Name {
    fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Computed(expression) => Some(expression),
            Self::Fixed(_) | Self::Bind(_) => None,
        }
    }
}

impl Operation {
    /// The expressions that stand in it, OPTIONS apart.
    pub(crate) fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::For { source: Source::Expression(expression), .. } => vec![expression],
            Self::For { .. } => Vec::new(),
            Self::Let { value, .. } | Self::Filter(value) | Self::Return { value, .. } => vec![value],
            Self::Sort(keys) => keys.iter().map(|(key, _)| key).collect(),
            Self::Limit { offset, count } => offset.iter().chain([count]).collect(),
            Self::Write(write) => match &write.kind {
                WriteKind::Insert { document } => vec![document],
                WriteKind::Change { key, with, .. } => [key].into_iter().chain(with).collect(),
                WriteKind::Remove { key } => vec![key],
                WriteKind::Upsert { search, insert, change, .. } => vec![search, insert, change],
            },
        }
    }

    pub(crate) fn collection(&self) -> Option<&Collection> {
        match self {
            Self::For { source: Source::Collection(collection), .. } => Some(collection),
            Self::Write(write) => Some(&write.collection),
            _ => None,
        }
    }
}
