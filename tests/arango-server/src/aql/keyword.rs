//! Reserved words, those of 3.12 and those that 4.x adds.

/// Sorted. A text that uses one of these as a name breaks on some version, so none may be used.
const RESERVED: [&str; 46] = [
    "AGGREGATE",
    "ALL",
    "ALL_SHORTEST_PATHS",
    "AND",
    "ANY",
    "ASC",
    "COLLECT",
    "DESC",
    "DISTINCT",
    "FALSE",
    "FILTER",
    "FOLD",
    "FOR",
    "GRAPH",
    "IN",
    "INBOUND",
    "INNER_JOIN",
    "INSERT",
    "INTO",
    "K_PATHS",
    "K_SHORTEST_PATHS",
    "LEFT_JOIN",
    "LET",
    "LIKE",
    "LIMIT",
    "MATCH",
    "NONE",
    "NOT",
    "NULL",
    "OR",
    "OUTBOUND",
    "OUTER_JOIN",
    "REMOVE",
    "REPLACE",
    "RETURN",
    "RIGHT_JOIN",
    "SCAN",
    "SHORTEST_PATH",
    "SORT",
    "TRUE",
    "UNTIL",
    "UPDATE",
    "UPSERT",
    "WHILE",
    "WINDOW",
    "WITH",
];

/// The reserved word that this is, whatever its case.
pub(crate) fn find(word: &str) -> Option<&'static str> {
    let position = RESERVED.binary_search(&word.to_ascii_uppercase().as_str()).ok()?;
    Some(RESERVED[position])
}

/// What a syntax error calls it.
pub(crate) fn describe(word: &str) -> String {
    match word {
        "FOR" | "LET" | "FILTER" | "RETURN" | "COLLECT" | "SORT" | "LIMIT" | "WINDOW" => format!("{word} declaration"),
        "INSERT" | "UPDATE" | "REPLACE" | "REMOVE" | "UPSERT" => format!("{word} command"),
        "DISTINCT" => "DISTINCT modifier".to_owned(),
        "NULL" | "TRUE" | "FALSE" => word.to_ascii_lowercase(),
        "NOT" | "AND" | "OR" | "LIKE" => format!("{} operator", word.to_ascii_lowercase()),
        _ => format!("{word} keyword"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(RESERVED.is_sorted());
    }
}
