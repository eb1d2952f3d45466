//! What renewing many leases costs the engine's keeper, beside one raw update of the same records.

use std::{sync::Arc, time::Duration};

use shylock_core::{Backend, LeaseKey, LockManager, Renewal};
use tokio::time::{self, Instant};

use super::{many, waiting::thousands};
use crate::{
    context::Context,
    monotonic,
    outcome::Outcome,
    quantity::Quantity,
    row::{Goal, Row},
    scale::Scale,
    statistics::Times,
    store::Store,
    wrappers::{Observed, rounds},
};

const GOAL: f64 = 2.0;
/// Raw updates before the first round and after each.
const RAW: usize = 3;

pub(crate) fn name(scale: &Scale) -> String {
    format!("renewing {} leases", thousands(scale.renewed))
}

/// The lease is so long that all are acquired within a fifteenth of it: then the keeper renews them all with the
/// first that is due, a third after its acquisition. Where it takes longer, a round has a burst or two more.
pub(crate) async fn row(context: &Context) -> Outcome<Row> {
    let Scale { renewed: count, renewal_ttl: ttl, renewals: wanted, .. } = context.scale;
    let direct = context.store.connect().await?;
    let observed = Observed::new(Arc::clone(&direct));
    let manager = LockManager::builder(observed.clone()).ttl(ttl).build()?;
    let prefix = context.name("renewed-");
    let since = Instant::now();
    let guards = many::acquire(&manager, &prefix, count).await?;
    let (acquiring, begin) = (since.elapsed(), monotonic::now());
    let leases: Vec<LeaseKey> = manager
        .list(&prefix)
        .await?
        .into_iter()
        .map(|info| LeaseKey { name: info.name, holder: info.holder, token: info.token })
        .collect();

    let mut raw = Vec::new();
    let patience = Instant::now() + ttl * u32::try_from(wanted + 1)?;
    let mut seen = 0;
    while seen < wanted {
        for _ in 0..RAW {
            raw.push(by_raw(context, &direct, &leases, ttl).await?);
        }
        while rounds(&observed.calls_since(begin), count).len() <= seen {
            if Instant::now() > patience {
                return Err(format!("{seen} rounds of renewal within {ttl:?} each, not {wanted}").into());
            }
            time::sleep(Duration::from_millis(100)).await;
        }
        seen += 1;
    }
    for _ in 0..RAW {
        raw.push(by_raw(context, &direct, &leases, ttl).await?);
    }
    let ours = Times::new(rounds(&observed.calls_since(begin), count))?;
    let lost = guards.iter().flatten().filter(|guard| !guard.is_held()).count();
    many::release(guards).await?;
    if lost > 0 {
        return Err(format!("{lost} leases were lost").into());
    }
    let (raw, runs) = (Times::new(raw)?, ours.count());
    let [value, limit] = [&ours, &raw].map(|times: &Times| Quantity::Time(times.percentile(50)));
    let how = if matches!(context.store, Store::Mongo(_)) { "one raw update" } else { "one direct `renew`" };
    let acquiring = Quantity::Time(acquiring);
    let text =
        format!("limit: {how} of the same records; medians of {runs} and {}; acquired in {acquiring}", raw.count());
    Ok(Row::beside(name(&context.scale), value, limit, context.goal(Goal::AtMost(GOAL))).saying(text))
}

async fn by_raw(context: &Context, direct: &Arc<dyn Backend>, leases: &[LeaseKey], ttl: Duration) -> Outcome<Duration> {
    let renewed = match &context.store {
        Store::Mongo(mongo) => {
            let since = Instant::now();
            let found = mongo.raw_renewal(leases, ttl).await?;
            (since.elapsed(), usize::try_from(found)?)
        }
        Store::Arango(_) | Store::Sqlite(_) | Store::Memory(_) => {
            let renewals: Vec<_> = leases.iter().map(|lease| Renewal { lease: lease.clone(), ttl }).collect();
            let since = Instant::now();
            let outcomes = direct.renew(&renewals).await?;
            let renewed = outcomes.iter().filter(|outcome| **outcome == shylock_core::RenewOutcome::Renewed).count();
            (since.elapsed(), renewed)
        }
    };
    match renewed {
        (time, all) if all == context.scale.renewed => Ok(time),
        (_, some) => Err(format!("the raw update renewed {some} leases of {}", context.scale.renewed).into()),
    }
}
