//! The spans and events of `OBSERVABILITY.md`: each is told where it belongs, and tells no secret.

#![allow(clippy::future_not_send, reason = "all of it runs on one thread")]

mod listener;
mod scenarios;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tables.rs"]
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use listener::{Listener, Told};
use scenarios::NOTE;
use support::Faulty;
use tables::rows;
use tokio::runtime::{Builder, Runtime};
use tracing::{Instrument, Level, info_span, level_filters::LevelFilter};
use tracing_subscriber::layer::SubscriberExt;

/// What is told at this level and above while a scenario runs on paused time, in a span of its caller's.
fn listen(level: Level, scenario: impl AsyncFnOnce(&Faulty)) -> Listener {
    let listener = Listener::default();
    let layers = tracing_subscriber::registry().with(LevelFilter::from_level(level)).with(listener.clone());
    tracing::subscriber::with_default(layers, || {
        let store = Faulty::default();
        runtime().block_on(async { scenario(&store).await }.instrument(info_span!("web_request")));
    });
    listener
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime")
}

#[test]
fn a_lock_is_seen_in_the_span_of_its_caller() {
    let told = listen(Level::TRACE, scenarios::a_wait_for_another);
    let granted: Vec<Told> = told.events().into_iter().filter(|event| event.name == "the lock is granted").collect();
    assert_eq!(granted.len(), 2, "{granted:#?}");
    assert!(granted.iter().all(|event| event.within == ["web_request", "acquire"]), "{granted:#?}");
    let spans = told.spans();
    let acquires: Vec<&Told> = spans.iter().filter(|span| span.name == "acquire").collect();
    let [first, second] = acquires[..] else { panic!("{acquires:#?}") };
    assert_eq!((&first.fields["outcome"][..], &first.fields["attempts"][..]), ("granted", "1"));
    assert_eq!((&second.fields["outcome"][..], &second.fields["lock"][..]), ("granted", "x"));
    assert_eq!(second.fields["ttl_seconds"], "30.0");
    let attempts: usize = second.fields["attempts"].parse().expect("a number");
    let requests = |op: &str, within: &[&str]| {
        spans.iter().filter(|span| span.name == "request" && span.fields["op"] == op && span.within == within).count()
    };
    assert_eq!(requests("try_acquire", &["web_request", "acquire"]), attempts + 1, "{spans:#?}");
    assert_eq!(requests("release", &["web_request"]), 2, "a release is the caller's, too: {spans:#?}");
    assert!(attempts > 1 && second.fields["holder"].contains("(pid "), "{second:#?}");
    assert_eq!(second.fields["token"], granted[1].fields["token"]);
    let waited: f64 = granted[1].fields["waited_seconds"].parse().expect("a number");
    assert!((5.0..6.1).contains(&waited), "{waited}");
}

/// Who wants no spans of ours still sees what happens in its own.
#[test]
fn where_debug_is_off_the_span_is_the_callers() {
    let told = listen(Level::INFO, scenarios::a_holder_that_vanishes);
    let taken = told.event("the lock is taken over, as the lease of its holder has ended");
    assert_eq!(taken.within, ["web_request"]);
    assert!(told.spans().iter().all(|span| span.name == "web_request"), "{:#?}", told.spans());
}

/// What happens in the background is nobody's: a span that it kept open would tell a request to be longer than it was.
#[test]
fn the_background_has_no_caller() {
    let told = listen(Level::TRACE, scenarios::a_renewal_and_a_drop);
    for op in ["renew", "release"] {
        let spans = told.spans();
        let mut found = spans.iter().filter(|span| span.fields.get("op").is_some_and(|found| found == op)).peekable();
        assert!(found.peek().is_some() && found.all(|span| span.within.is_empty()), "{op}: {spans:#?}");
    }
}

/// One that cannot be made to happen here.
const NOT_SEEN: &str = "no thread could be started for the lock manager";

#[test]
fn the_tables_are_what_is_told() {
    let (mut events, mut spans) = (BTreeMap::new(), BTreeMap::new());
    for scenario in scenarios::ALL {
        let told = scenarios::run(*scenario);
        collect(&mut events, told.events());
        collect(&mut spans, told.spans().into_iter().filter(|span| span.name != "web_request").collect());
    }
    assert_documented("Spans", &spans);
    assert_documented("Events", &events);
}

/// By name and level, what fields there were each time.
type Seen = BTreeMap<(String, String), Vec<BTreeSet<String>>>;

fn collect(seen: &mut Seen, all: Vec<Told>) {
    for told in all {
        let key = (told.name, told.level.to_string().to_lowercase());
        seen.entry(key).or_default().push(told.fields.into_keys().collect());
    }
}

fn assert_documented(heading: &str, seen: &Seen) {
    let (mut documented, mut wrong) = (BTreeSet::new(), Vec::new());
    for row in rows(heading) {
        let [name, level, fields, ..] = &row[..] else { panic!("{row:?}") };
        let key = (name.clone(), level.clone());
        let each_time: BTreeSet<String> =
            fields.split(", ").filter(|field| !field.is_empty()).map(str::to_owned).collect();
        if seen.get(&key).map_or(name != NOT_SEEN, |times| fields_of(times) != each_time) {
            wrong.push(format!(
                "{key:?}, documented with {each_time:?}, seen with {:?}",
                seen.get(&key).map(|times| fields_of(times))
            ));
        }
        documented.insert(key);
    }
    wrong.extend(seen.keys().filter(|key| !documented.contains(*key)).map(|key| format!("{key:?} is not documented")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// As the tables have them: with a `?` where they are not there each time.
fn fields_of(times: &[BTreeSet<String>]) -> BTreeSet<String> {
    let all: BTreeSet<&String> = times.iter().flatten().collect();
    let each_time = |field: &String| times.iter().all(|fields| fields.contains(field));
    all.into_iter().map(|field| if each_time(field) { field.clone() } else { format!("{field}?") }).collect()
}

#[test]
fn no_secret_is_told() {
    let (mut texts, mut ids) = (Vec::new(), BTreeSet::new());
    for scenario in scenarios::ALL {
        let told = scenarios::run_with(*scenario, |id| {
            ids.insert(id);
        });
        let all = told.events().into_iter().chain(told.spans());
        texts.extend(all.map(|told| format!("{} {:?}", told.name, told.fields).to_lowercase()));
    }
    assert!(ids.len() > 10 && texts.len() > 100, "{} ids in {} texts", ids.len(), texts.len());
    for text in &texts {
        assert!(!text.contains(NOTE) && !text.contains("holderid"), "{text}");
        for id in &ids {
            let [hex, decimal] = [format!("{id:032x}"), id.to_string()];
            assert!(!text.contains(&hex[..8]) && !text.contains(&hex[24..]) && !text.contains(&decimal), "{text}");
        }
    }
}
