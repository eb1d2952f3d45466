//! P8, all of it: each call is dropped at each step of its way, on a store that has each fault in each of its operations,
//! and nothing is left behind.
//!
//! A step is one turn of all tasks, and now and then a piece of time. At each, the call is polled, or has been polled
//! only once: both a future that its user drives and one that loses a race are dropped.

#![allow(clippy::future_not_send, reason = "all of it runs on one thread")]

mod scene;
#[path = "../support/mod.rs"]
mod support;

use std::{collections::BTreeMap, pin::pin};

use scene::{Call, Scene, VERBS, Verb, poll_once};
use support::{Fault, Op, ms, s};
use tokio::{task::yield_now, time::sleep};

const MOST_STEPS: usize = 200;
/// There were 28,911 combinations of a call, a fault and a step when this was written. Fewer would mean that it does not
/// reach them any more.
const AT_LEAST: usize = 28_000;

const FAULTS: [Fault; 14] = [
    Fault::Hangs,
    Fault::HangsAfter,
    Fault::Delays(ms(7)),
    Fault::Delays(ms(700)),
    Fault::Delays(s(4)),
    Fault::AnswersLate(ms(7)),
    Fault::AnswersLate(ms(700)),
    Fault::AnswersLate(s(4)),
    Fault::LosesAnswerLate(ms(700)),
    Fault::Refuses(None),
    Fault::Refuses(Some(ms(300))),
    Fault::LosesAnswer,
    Fault::LosesRequest,
    Fault::Permanent,
];
const OPS: [Op; 6] = [Op::Acquire, Op::Renew, Op::Release, Op::HandOff, Op::Look, Op::Watch];

async fn step(number: usize) {
    match number {
        0..12 => yield_now().await,
        12..24 if !number.is_multiple_of(4) => yield_now().await,
        12..40 => sleep(ms(1)).await,
        40..70 => sleep(ms(25)).await,
        _ => sleep(ms(250)).await,
    }
}

/// Goes so many steps, then drops the call. Answers whether it was finished by then.
async fn drop_after(steps: usize, polls: bool, call: Call) -> bool {
    let mut call = pin!(call);
    for number in 0..=steps {
        if (polls || number == 0) && poll_once(call.as_mut()).await.is_some() {
            return true;
        }
        if number < steps {
            step(number).await;
        }
    }
    false
}

/// One run. Answers whether the call was finished, and whether the fault was met.
async fn run(verb: Verb, trouble: Option<(Op, Fault)>, steps: usize, polls: bool) -> (bool, bool) {
    let scene = Scene::new();
    let before = scene.before(verb).await;
    let met_before = trouble.map_or(0, |(op, _)| scene.store.calls(op));
    if let Some((op, fault)) = trouble {
        scene.store.next(1, op, fault);
    }
    let (call, others) = scene.begin(verb, before).await;
    let finished = drop_after(steps, polls, call).await;
    let what = format!("{verb:?} with {trouble:?} after {steps} steps, polled: {polls}");
    (finished, scene.check(verb, others, trouble, &what).await > met_before)
}

/// Drops the call after each number of steps, until it is finished by then. Answers how many there were.
async fn sweep(verb: Verb, trouble: Option<(Op, Fault)>) -> usize {
    // Whoever does not get there at all does not meet the fault.
    let (_, meets) = run(verb, trouble, MOST_STEPS, true).await;
    if !meets {
        return 0;
    }
    let mut covered = 0;
    for steps in 0..MOST_STEPS {
        let (finished, _) = run(verb, trouble, steps, true).await;
        covered += 1;
        if finished {
            break;
        }
        run(verb, trouble, steps, false).await;
        covered += 1;
    }
    covered
}

#[tokio::test(start_paused = true)]
async fn dropped_at_each_step_on_each_fault_of_each_operation() {
    let mut all = 0;
    let mut pairs: BTreeMap<Verb, usize> = BTreeMap::new();
    let troubles = OPS.into_iter().flat_map(|op| FAULTS.into_iter().map(move |fault| Some((op, fault))));
    let troubles: Vec<_> = std::iter::once(None).chain(troubles).collect();
    for verb in VERBS {
        for trouble in &troubles {
            let covered = sweep(verb, *trouble).await;
            all += covered;
            *pairs.entry(verb).or_default() += usize::from(covered > 0);
        }
    }
    println!("{all} combinations of a call, a fault and a step; faults met by each call: {pairs:?}");
    assert!(all >= AT_LEAST, "only {all} combinations");
    assert!(pairs.values().all(|faults| *faults >= 14), "each call meets the faults of one operation at least");
}
