//! All faults that hit one request, and what a caller has to be told about each.

use std::time::Duration;

use arango_server::{Failure, Fault, Point};

use super::operations::{Kind, Operation};

/// A fault and its meaning.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) fault: Fault,
    pub(crate) meaning: Meaning,
}

/// What a fault means for the operation that it hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing; perhaps since it was repeated.
    Nothing,
    /// It was not carried out and may be tried again.
    NotApplied,
    /// The same, but not at once.
    Busy,
    /// Nobody knows.
    Ambiguous,
    /// It was not carried out and will not be.
    Permanent,
    /// Once is nothing, except for a renewal: that is not repeated at once.
    MissingOnce,
    /// The server carries it out and says that it did not, which the real one has no way to. What is told then is
    /// wrong; the log must be sound all the same, and a repetition must recognise what was done.
    LiesOnce,
    /// The same, and it is of a login that has expired.
    LiesOfLoginOnce,
    /// The same, and it is of a collection that is missing.
    LiesOfMissingOnce,
    /// The same each time that it is asked.
    Lies(Kind),
}

impl Meaning {
    pub(crate) fn expected(self, operation: Operation) -> Kind {
        match self {
            Self::Nothing => operation.success(),
            Self::NotApplied | Self::Busy => Kind::NotApplied,
            Self::Ambiguous => Kind::Ambiguous,
            Self::Permanent => Kind::Permanent,
            Self::MissingOnce => operation.success(),
            Self::LiesOfLoginOnce => operation.repeated(),
            // What was repeated after a conflict and is gone by then may have been done before.
            Self::LiesOnce | Self::LiesOfMissingOnce => match operation.repeated() {
                Kind::NotHeld => Kind::Ambiguous,
                told => told,
            },
            Self::Lies(kind) => kind,
        }
    }

    pub(crate) const fn is_a_lie(self) -> bool {
        matches!(self, Self::LiesOnce | Self::LiesOfLoginOnce | Self::LiesOfMissingOnce | Self::Lies(_))
    }
}

pub(crate) const POINTS: [Point; 9] = [
    Point::Received,
    Point::Parsing,
    Point::BeforeSnapshot,
    Point::AfterSnapshot,
    Point::AfterRead,
    Point::Locked,
    Point::BeforeCommit,
    Point::Committed,
    Point::Answering,
];

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for point in POINTS {
        let fault = Fault::at(point).delays(Duration::from_millis(20));
        rows.push(Row { name: format!("20 ms at {point:?}"), fault, meaning: Meaning::Nothing });
    }
    for (failure, class) in failures() {
        rows.extend(of_failure(&failure, class));
    }
    rows.extend(of_connections());
    rows
}

/// What an error number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Contention,
    Busy,
    Unready,
    Missing,
    Login,
    Ambiguous,
    Permanent,
}

fn failures() -> Vec<(Failure, Class)> {
    let mut failures = Vec::new();
    let mut add = |class, numbers: &[u32]| failures.extend(numbers.iter().map(|n| (Failure::of(*n), class)));
    add(Class::Contention, &[1200, 1210, 1202, 1302, 1303, 1521, 18, 28, 29]);
    add(Class::Busy, &[21003, 21004]);
    add(Class::Missing, &[1203, 1228]);
    add(Class::Login, &[11]);
    add(Class::Unready, &[38, 1238]);
    add(Class::Ambiguous, &[30, 503, 1429, 1457, 1464, 1465, 1478, 1489, 1490, 1491, 1495, 1496, 1500, 21, 1654, 4]);
    // What a server has too little of, what a cluster does not know yet, what a query has lost on the way.
    add(Class::Ambiguous, &[32, 406, 1472, 1477, 1481, 1487, 1591, 2003]);
    add(Class::Permanent, &[10, 401, 1221, 1222, 1466, 1501, 1502, 1540, 1551, 1579]);
    // Three causes have this number: the server is read only, the collection is, too few copies can be written.
    for message in ["server is in read-only mode", "shard is read-only", "write concern not fulfilled"] {
        failures.push((Failure::new(1004, message), Class::Ambiguous));
    }
    failures.push((Failure::new(11, "forbidden").with_status(403), Class::Permanent));
    // Numbers that nobody knows, whatever their status.
    for status in [400, 403, 404, 429, 500] {
        failures.push((Failure::new(4_242, "new").with_status(status), Class::Ambiguous));
    }
    failures
}

/// Once and always, instead of carrying it out and after doing so.
fn of_failure(failure: &Failure, class: Class) -> Vec<Row> {
    let (once, always, lie_once, lie) = match class {
        Class::Contention => (Meaning::Nothing, Meaning::NotApplied, Meaning::LiesOnce, Kind::NotApplied),
        Class::Login => (Meaning::Nothing, Meaning::Permanent, Meaning::LiesOfLoginOnce, Kind::Permanent),
        Class::Missing => (Meaning::MissingOnce, Meaning::Permanent, Meaning::LiesOfMissingOnce, Kind::Permanent),
        Class::Unready => (Meaning::NotApplied, Meaning::NotApplied, Meaning::Lies(Kind::NotApplied), Kind::NotApplied),
        Class::Busy => (Meaning::Busy, Meaning::Busy, Meaning::Lies(Kind::NotApplied), Kind::NotApplied),
        Class::Permanent => (Meaning::Permanent, Meaning::Permanent, Meaning::Lies(Kind::Permanent), Kind::Permanent),
        Class::Ambiguous => (Meaning::Ambiguous, Meaning::Ambiguous, Meaning::Ambiguous, Kind::Ambiguous),
    };
    let lies = if class == Class::Ambiguous { Meaning::Ambiguous } else { Meaning::Lies(lie) };
    let number = format!("{}/{}", failure.number, failure.status());
    let at = |point: Point| Fault::at(point).fails(failure.clone());
    let row = |how: &str, fault: Fault, meaning| Row { name: format!("{how}: {number}"), fault, meaning };
    vec![
        row("instead", at(Point::Received), once),
        row("instead, always", at(Point::Received).always(), always),
        row("while locked", at(Point::Locked), once),
        row("after commit", at(Point::Committed), lie_once),
        row("after commit, always", at(Point::Committed).always(), lies),
    ]
}

/// What is no answer of the server at all.
fn of_connections() -> Vec<Row> {
    let page = |status: &str| format!("<html><body><h1>{status}</h1></body></html>");
    let mut rows = Vec::new();
    let mut add = |name: &str, fault: Fault| {
        rows.push(Row { name: name.to_owned(), fault, meaning: Meaning::Ambiguous });
    };
    for (when, point) in [("before", Point::Received), ("while locked", Point::Locked), ("after", Point::Committed)] {
        add(&format!("socket closed: {when}"), Fault::at(point).closes());
        add(&format!("empty 502: {when}"), Fault::at(point).answers(502, "text/html", ""));
        for status in [503, 504] {
            let body = page(&format!("{status} of a proxy"));
            add(&format!("HTML {status}: {when}"), Fault::at(point).answers(status, "text/html", &body));
        }
        add(&format!("text 200: {when}"), Fault::at(point).answers(200, "text/plain", "it works"));
        add(&format!("empty object 201: {when}"), Fault::at(point).answers(201, "application/json", "{}"));
        let rowless = r#"{"error":false,"code":201,"hasMore":true,"result":[]}"#;
        add(&format!("more to come: {when}"), Fault::at(point).answers(201, "application/json", rowless));
    }
    add("socket closed: in the body", Fault::at(Point::Answering).cuts_the_answer());
    add("JSON cut in half", Fault::at(Point::Answering).truncates_the_answer());
    rows
}
