//! The program: from the command line to the exit code.

use std::{process::ExitCode, sync::Arc, time::Instant};

use shylock_core::MemoryBackend;
use shylock_tests::{Kind, Mongo, Version};
use tokio::runtime::Runtime;

use crate::{
    arguments::{self, Order, REAP, USAGE, Wishes},
    context::Context,
    machine::{self, Load},
    outcome::{Outcome, explained},
    row::Row,
    rows::Measurement,
    scale::Scale,
    store::{Address, Store},
    table, worker,
};

/// Does what the arguments, without the name of the program, say. It fails where something could not be measured that
/// should have been, not where a goal is missed.
///
/// # Panics
/// Where the operating system has no threads left.
#[must_use]
pub fn run(arguments: &[String]) -> ExitCode {
    let order = match arguments::parse(arguments) {
        Ok(order) => order,
        Err(mistake) => return refuse(&mistake),
    };
    if order == Order::Reap {
        shylock_tests::reap();
        return ExitCode::SUCCESS;
    }
    let runtime = Runtime::new().expect("threads for the bench");
    match order {
        Order::Measure(wishes) => runtime.block_on(measure(wishes)),
        Order::Smoke => runtime.block_on(smoke()),
        Order::Work => runtime.block_on(worker::serve()),
        Order::Help | Order::Reap => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
    }
}

fn refuse(mistake: &str) -> ExitCode {
    eprintln!("{mistake}\n\n{USAGE}");
    ExitCode::from(2)
}

async fn measure(wishes: Wishes) -> ExitCode {
    let address = match wishes.url.as_deref().map(Address::parse) {
        Some(Err(mistake)) => return refuse(&mistake),
        Some(Ok(address)) => Some(address),
        None => None,
    };
    let scale = if wishes.quick { Scale::QUICK } else { Scale::FULL };
    let all = Measurement::ALL.into_iter();
    let asked = all.filter(|measurement| wishes.original || !matches!(measurement, Measurement::Original(_)));
    let wanted = |name: &str| wishes.only.as_deref().is_none_or(|text| name.contains(text));
    let chosen: Vec<_> =
        asked.filter(|measurement| measurement.names(&scale).iter().any(|name| wanted(name))).collect();
    if chosen.is_empty() {
        return refuse(&format!("no row has {:?} in its name", wishes.only.unwrap_or_default()));
    }
    match table_of(address, scale, &chosen, wanted).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", explained(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Whether everything went well, apart from goals.
async fn table_of(
    address: Option<Address>,
    scale: Scale,
    chosen: &[Measurement],
    wanted: impl Fn(&str) -> bool,
) -> Outcome<bool> {
    let before = Load::look()?;
    // It is gone when this is dropped.
    let mut own_server = None;
    let address = match address {
        Some(address) => address,
        None => {
            shylock_tests::reap_by_this_program(REAP);
            Address::Mongo(own_server.insert(Mongo::of(Version::V6_0_5, Kind::ReplicaSet(1)).await).uri())
        }
    };
    let store = Store::open(address, &format!("shylock_bench_{}", std::process::id())).await?;
    println!("{}\n{}\n{}", machine::description(), store.description().await?, before.show("at the start"));
    let context = Arc::new(Context::new(store, scale));
    let (mut rows, mut well) = (Vec::new(), true);
    for measurement in chosen {
        let (some, worked) = measured(*measurement, &context).await;
        let some: Vec<Row> = some.into_iter().filter(|row| wanted(&row.name)).collect();
        some.iter().for_each(|row| eprintln!("{}", table::line(row)));
        rows.extend(some);
        well &= worked;
    }
    context.store.clean_up().await?;
    let after = Load::look()?;
    println!("{}", after.show("at the end"));
    if let Some(warning) = before.warning().or_else(|| after.warning()) {
        println!("\n{warning}");
    }
    println!("\n{}\n\n{}", table::table(&rows), table::summary(&rows));
    Ok(well)
}

/// The rows, and whether it worked.
async fn measured(measurement: Measurement, context: &Arc<Context>) -> (Vec<Row>, bool) {
    let names = measurement.names(&context.scale);
    eprintln!("measuring: {} …", names.join("; "));
    let (since, shared) = (Instant::now(), Arc::clone(context));
    // In a task, as programs do it: the main thread's `block_on` pays for a wake-up each time.
    let outcome = match tokio::spawn(async move { measurement.rows(&shared).await }).await {
        Ok(outcome) => outcome.map_err(|error| explained(&*error)),
        Err(error) => Err(error.to_string()),
    };
    eprintln!("  took {:.0} s", since.elapsed().as_secs_f64());
    match outcome {
        Ok(rows) => (rows, true),
        Err(error) => (names.into_iter().map(|name| Row::not_measured(name, &error)).collect(), false),
    }
}

/// Everything that needs no database yields numbers.
async fn smoke() -> ExitCode {
    let context = Arc::new(Context::new(Store::Memory(MemoryBackend::new()), Scale::SMOKE));
    let mut well = true;
    for measurement in Measurement::ALL.into_iter().filter(|measurement| measurement.needs_no_database()) {
        let (rows, worked) = measured(measurement, &context).await;
        rows.iter().for_each(|row| eprintln!("{}", table::line(row)));
        // A row may say that there is nothing to be measured in memory, but not all of a measurement.
        let numbers: Vec<f64> = rows.iter().filter_map(Row::number).collect();
        well &= worked && !numbers.is_empty() && numbers.iter().all(|number| number.is_finite());
    }
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
