//! All numbers that were told, to be looked at as often as a test likes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

#[derive(Debug, Default, Clone)]
pub(crate) struct Numbers(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    /// By `name` or `name value-of-its-label`: one value, or all samples of a histogram.
    series: BTreeMap<String, Vec<f64>>,
    /// Name, label and value of the label.
    labels: BTreeSet<(String, String, String)>,
    /// Name, kind and unit.
    described: BTreeSet<(String, &'static str, &'static str)>,
    kinds: BTreeSet<(String, &'static str)>,
}

impl Numbers {
    /// A counter or a gauge; zero where nothing was told.
    pub(crate) fn value(&self, series: &str) -> f64 {
        self.samples(series).last().copied().unwrap_or_default()
    }

    pub(crate) fn samples(&self, series: &str) -> Vec<f64> {
        self.told().series.get(series).cloned().unwrap_or_default()
    }

    pub(crate) fn labels(&self) -> BTreeSet<(String, String, String)> {
        self.told().labels.clone()
    }

    pub(crate) fn described(&self) -> BTreeSet<(String, &'static str, &'static str)> {
        self.told().described.clone()
    }

    pub(crate) fn kinds(&self) -> BTreeSet<(String, &'static str)> {
        self.told().kinds.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().expect("no panic in here")
    }

    fn series(&self, key: &Key, kind: &'static str) -> Arc<Series> {
        let name = key.name().to_owned();
        let mut text = name.clone();
        let mut told = self.told();
        for label in key.labels() {
            text = format!("{text} {}", label.value());
            told.labels.insert((name.clone(), label.key().to_owned(), label.value().to_owned()));
        }
        told.kinds.insert((name, kind));
        Arc::new(Series { text, all: self.clone() })
    }

    fn describe(&self, key: &KeyName, kind: &'static str, unit: Option<Unit>) {
        let unit = unit.map_or("", |unit| unit.as_canonical_label());
        self.told().described.insert((key.as_str().to_owned(), kind, unit));
    }
}

struct Series {
    text: String,
    all: Numbers,
}

impl Series {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut told = self.all.told();
        let samples = told.series.entry(self.text.clone()).or_default();
        let now = change(samples.pop().unwrap_or_default());
        samples.push(now);
    }
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        self.change(|before| before + f64::from(u32::try_from(value).expect("a small number")));
    }

    fn absolute(&self, _: u64) {
        panic!("counters only count");
    }
}

impl GaugeFn for Series {
    fn increment(&self, value: f64) {
        self.change(|before| before + value);
    }

    fn decrement(&self, value: f64) {
        self.change(|before| before - value);
    }

    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.all.told().series.entry(self.text.clone()).or_default().push(value);
    }
}

impl Recorder for Numbers {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, "counter", unit);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, "gauge", unit);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, "histogram", unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.series(key, "counter"))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.series(key, "gauge"))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.series(key, "histogram"))
    }
}
