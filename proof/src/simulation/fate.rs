//! What becomes of one request.

use std::time::Duration;

use super::{chance::Chance, plan::Kind, world::World};

/// What becomes of one request, beside its delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Fine,
    /// It never arrives, and nobody knows.
    LostRequest,
    /// It is carried out, and the reply is lost.
    LostReply,
    /// It is given up, and arrives after so long all the same.
    Late(Duration),
    /// It arrives twice, the second time after so long.
    Twice(Duration),
    /// Nothing is done, and the server asks to be left alone for a while.
    Refused(Option<Duration>),
    /// It is carried out, and there is no reply before everything has ended.
    Hang,
}

const KINDS: [Kind; 6] =
    [Kind::LostRequest, Kind::LostReply, Kind::LateDelivery, Kind::Duplicate, Kind::Refusal, Kind::Hang];

pub(super) fn roll(world: &World, chance: &Chance) -> Fate {
    if world.is_healed() || !chance.per_mille(world.plan.per_mille) {
        return Fate::Fine;
    }
    let kind = chance.one_of(&KINDS);
    if !world.plan.has(kind) {
        return Fate::Fine;
    }
    world.disturb(kind);
    match kind {
        Kind::LostRequest => Fate::LostRequest,
        Kind::LostReply => Fate::LostReply,
        Kind::LateDelivery => Fate::Late(chance.ms(1, 4000)),
        Kind::Duplicate => Fate::Twice(chance.ms(0, 300)),
        Kind::Refusal if chance.per_mille(300) => Fate::Refused(Some(chance.ms(1, 1500))),
        Kind::Refusal => Fate::Refused(None),
        _ => Fate::Hang,
    }
}

/// How long a message is on its way.
pub(super) fn delay(world: &World, chance: &Chance) -> Duration {
    let slow = world.plan.has(Kind::Delay) && !world.is_healed();
    match chance.below(100) {
        0..40 => Duration::ZERO,
        95..100 if slow => {
            world.disturb(Kind::Delay);
            chance.ms(50, 700)
        }
        85..95 if slow => chance.ms(5, 50),
        _ => chance.ms(1, 4),
    }
}

/// How long it takes until a majority has a write.
pub(super) fn lag(world: &World, chance: &Chance) -> Duration {
    let slow = world.plan.has(Kind::Delay) && !world.is_healed();
    match chance.below(20) {
        0..14 => Duration::ZERO,
        19 if slow => chance.ms(10, 400),
        _ => chance.ms(1, 5),
    }
}
