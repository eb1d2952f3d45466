//! All spans and events that were told, as values and as text.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

pub(crate) type Fields = BTreeMap<String, String>;

/// A span or an event.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The name of a span, the message of an event.
    pub(crate) name: String,
    pub(crate) level: Level,
    pub(crate) fields: Fields,
    /// The spans around it, from the outermost.
    pub(crate) within: Vec<String>,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Listener {
    events: Arc<Mutex<Vec<Told>>>,
    /// The open ones, by their ids.
    spans: Arc<Mutex<BTreeMap<u64, Told>>>,
    closed: Arc<Mutex<Vec<Told>>>,
}

impl Listener {
    pub(crate) fn events(&self) -> Vec<Told> {
        lock(&self.events).clone()
    }

    /// The spans that are closed.
    pub(crate) fn spans(&self) -> Vec<Told> {
        lock(&self.closed).clone()
    }

    pub(crate) fn event(&self, name: &str) -> Told {
        let events = self.events();
        let found = events.iter().find(|event| event.name == name);
        found.unwrap_or_else(|| panic!("no {name:?} in {events:#?}")).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic in here")
}

struct Writer<'a>(&'a mut Fields);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    /// With all that is behind an error.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = format!("{value} {value:?}");
        let mut source = value.source();
        while let Some(error) = source {
            text = format!("{text}: {error} {error:?}");
            source = error.source();
        }
        self.0.insert(field.name().to_owned(), text);
    }
}

fn names<S: Subscriber + for<'a> LookupSpan<'a>>(id: Option<&Id>, context: &Context<'_, S>) -> Vec<String> {
    let span = id.and_then(|id| context.span(id));
    span.map(|span| span.scope().from_root().map(|span| span.name().to_owned()).collect()).unwrap_or_default()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Writer(&mut fields));
        let mut within = names(Some(id), &context);
        let name = within.pop().expect("its own");
        let level = *attributes.metadata().level();
        lock(&self.spans).insert(id.into_u64(), Told { name, level, fields, within });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(told) = lock(&self.spans).get_mut(&id.into_u64()) {
            values.record(&mut Writer(&mut told.fields));
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let told = lock(&self.spans).remove(&id.into_u64());
        lock(&self.closed).extend(told);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !event.metadata().target().starts_with("shylock_core") {
            return;
        }
        let mut fields = Fields::new();
        event.record(&mut Writer(&mut fields));
        let name = fields.remove("message").expect("a message");
        let within = names(context.event_span(event).map(|span| span.id()).as_ref(), &context);
        lock(&self.events).push(Told { name, level: *event.metadata().level(), fields, within });
    }
}
