//! The functions there are, and how many arguments they take.

use crate::error::Failure;

/// Name, fewest and most arguments.
const FUNCTIONS: [(&str, usize, usize); 21] = [
    ("ABS", 1, 1),
    ("CEIL", 1, 1),
    ("CONCAT", 1, usize::MAX),
    ("DATE_NOW", 0, 0),
    ("FIRST", 1, 1),
    ("FLOOR", 1, 1),
    ("HAS", 2, 2),
    ("IS_ARRAY", 1, 1),
    ("IS_BOOL", 1, 1),
    ("IS_NULL", 1, 1),
    ("IS_NUMBER", 1, 1),
    ("IS_OBJECT", 1, 1),
    ("IS_STRING", 1, 1),
    ("LENGTH", 1, 1),
    ("MAX", 1, 1),
    ("MIN", 1, 1),
    ("NOT_NULL", 1, usize::MAX),
    ("SLEEP", 1, 1),
    ("STARTS_WITH", 2, 2),
    ("TO_NUMBER", 1, 1),
    ("TO_STRING", 1, 1),
];

pub(crate) fn check(name: &str, arguments: usize) -> Result<(), Failure> {
    let known = FUNCTIONS.into_iter().find(|(known, _, _)| *known == name);
    let (_, fewest, most) =
        known.ok_or_else(|| Failure::new(1540, format!("usage of unknown function '{name}()' (while parsing)")))?;
    if (fewest..=most).contains(&arguments) {
        return Ok(());
    }
    let message = format!(
        "invalid number of arguments for function '{name}()', expected number of arguments: minimum: {fewest}, maximum: {most} (while parsing)"
    );
    Err(Failure::new(1541, message))
}
