//! What a process has counted and logged.

use std::{
    collections::BTreeMap,
    fmt::{Debug, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde_json::{Value, json};
use shylock_tests::trace_with;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{Layer, layer::Context};

/// Listens to all numbers and events of this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listener(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    /// By `name` or `name value-of-its-label`.
    counters: BTreeMap<String, Arc<AtomicU64>>,
    gauges: BTreeMap<String, Arc<AtomicU64>>,
    /// Level, text and fields of each.
    events: Vec<String>,
}

/// A lease that was granted when nobody waited for it any more.
const UNWANTED: &str = "a lease that nobody waits for any more is released";

impl Listener {
    /// To be called once, before the first manager is made.
    pub(crate) fn install() -> Self {
        let listener = Self::default();
        trace_with(listener.clone());
        metrics::set_global_recorder(listener.clone()).expect("it is the first");
        listener
    }

    /// One line for [`Report::read`].
    pub(crate) fn report(&self) -> String {
        let heard = self.heard();
        let counters = heard.counters.iter().map(|(name, value)| (name.clone(), json!(value.load(Ordering::SeqCst))));
        let gauges = heard.gauges.iter().map(|(name, bits)| (name.clone(), gauge(bits)));
        let numbers: serde_json::Map<String, Value> = counters.chain(gauges).collect();
        json!({ "numbers": numbers, "events": heard.events }).to_string()
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `null` for an infinite one.
fn gauge(bits: &AtomicU64) -> Value {
    json!(f64::from_bits(bits.load(Ordering::SeqCst)))
}

fn series(key: &Key) -> String {
    key.labels().fold(key.name().to_owned(), |name, label| format!("{name} {}", label.value()))
}

impl Recorder for Listener {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::clone(self.heard().counters.entry(series(key)).or_default()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::clone(self.heard().gauges.entry(series(key)).or_default()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

impl<S: Subscriber> Layer<S> for Listener {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let about = event.metadata();
        if !about.target().starts_with("shylock") {
            return;
        }
        let mut text = Text(about.level().to_string());
        event.record(&mut text);
        self.heard().events.push(text.0);
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a text takes all");
    }
}

/// The same in the test.
#[derive(Debug)]
pub(crate) struct Report {
    numbers: BTreeMap<String, Option<f64>>,
    events: Vec<String>,
}

impl Report {
    /// # Panics
    /// The process has failed at something, or says so: everything on an ordinary day succeeds.
    pub(crate) fn read(line: &str) -> Self {
        let heard: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let numbers = heard["numbers"].as_object().expect("numbers");
        let numbers = numbers.iter().map(|(name, value)| (name.clone(), value.as_f64())).collect();
        let events = heard["events"].as_array().expect("events").iter();
        let report = Self { numbers, events: events.map(|event| event.as_str().expect("a text").to_owned()).collect() };
        report.assert_nothing_failed();
        report
    }

    /// A counter, without the `shylock_` of its name; zero where nothing was counted.
    pub(crate) fn count(&self, name: &str) -> usize {
        let found = self.numbers.get(&format!("shylock_{name}")).copied().flatten().unwrap_or_default();
        format!("{found:.0}").parse().expect("a count")
    }

    fn assert_nothing_failed(&self) {
        let failures = [
            "acquisitions_total failed",
            "releases_total failed",
            "releases_total not_held",
            "releases_total unsent",
            "renewals_total failed",
            "renewals_total not_held",
            "store_failures_total",
            "losses_total",
            "held",
            "waiting",
        ];
        for failure in failures {
            let of_all_labels = |name: &&String| name.starts_with(&format!("shylock_{failure}"));
            for name in self.numbers.keys().filter(of_all_labels) {
                assert_eq!(self.numbers[name], Some(0.0), "{name}: {self:#?}");
            }
        }
        let warned = self.events.iter().any(|event| event.starts_with("WARN") || event.starts_with("ERROR"));
        assert!(!warned, "{self:#?}");
        let granted = self.count("acquisitions_total granted") + self.events_with(UNWANTED);
        let released = self.count("releases_total released") + self.count("releases_total handed_over");
        assert_eq!(granted, released, "each grant is released once: {self:#?}");
    }

    fn events_with(&self, text: &str) -> usize {
        self.events.iter().filter(|event| event.contains(text)).count()
    }
}
