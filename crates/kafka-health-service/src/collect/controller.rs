//! Who the controller is, as metadata names it, and in which rack each broker stands, as the broker itself says.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Context;
use super::pace::{Outcome, Pace};
use crate::moment::Moment;
use crate::snapshot::Controller;

const INTERVAL: Duration = Duration::from_secs(1);
const RACK_DEADLINE: Duration = Duration::from_secs(3);
/// A rack changes with a restart of its broker only.
const RACKS_EVERY: Duration = Duration::from_secs(60);

pub(super) async fn run(context: Context) {
    let racks = async {
        let pace = Pace::every(RACKS_EVERY, INTERVAL);
        pace.repeat(&context.stop, || read_racks(&context)).await;
    };
    let pace = Pace::every(INTERVAL, INTERVAL);
    let controller = pace.repeat(&context.stop, || async { look(&context) });
    tokio::join!(controller, racks);
}

/// Metadata is asked for elsewhere; what it says counts from when it came.
fn look(context: &Context) -> Outcome {
    let id = context.cluster.controller();
    let now = Moment::now();
    context.store.update(|snapshot| {
        let seen_at = snapshot.topics.seen.as_ref().map(|seen| seen.at);
        let part = &mut snapshot.controller;
        let before = part.seen.as_ref();
        let Some(at) = seen_at.filter(|at| before.is_none_or(|before| *at > before.at)) else {
            return;
        };
        let before = before.map(|seen| &*seen.value);
        part.publish(Controller::next(before, id, BTreeMap::new(), at), at);
        part.attempts.note(at, now, Ok(()));
    });
    Outcome::Success
}

async fn read_racks(context: &Context) -> Outcome {
    let brokers = super::answering(&context.store.read());
    let mut racks = BTreeMap::new();
    for id in &brokers {
        let rack = context.cluster.rack(*id, RACK_DEADLINE).await;
        racks.extend(rack.map(|rack| (*id, rack)));
    }
    context.store.update(|snapshot| {
        let part = &mut snapshot.controller;
        if let Some(seen) = part.seen.clone() {
            let mut value = (*seen.value).clone();
            value.racks.extend(racks);
            part.publish(value, seen.at);
        }
    });
    if brokers.is_empty() {
        Outcome::Failure
    } else {
        Outcome::Success
    }
}
