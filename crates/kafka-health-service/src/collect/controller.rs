//! Asks a broker that answers who the controller is, and in which rack each broker stands.

use std::time::Duration;

use super::Context;
use super::pace::{Outcome, Pace};
use crate::moment::Moment;
use crate::snapshot::{Controller, Snapshot};

const INTERVAL: Duration = Duration::from_secs(2);
const AFTER_FAILURE: Duration = Duration::from_millis(500);
const DEADLINE: Duration = Duration::from_secs(2);

pub(super) async fn run(context: Context) {
    let pace = Pace::every(INTERVAL, AFTER_FAILURE);
    pace.repeat(&context.stop, || collect(&context)).await;
}

async fn collect(context: &Context) -> Outcome {
    let Some(broker) = whom_to_ask(&context.store.read()) else {
        return Outcome::Failure;
    };
    let began = Moment::now();
    // Not just any: librdkafka asks the controller itself, which may be what does not answer.
    let described = context.cluster.describe_at(broker, DEADLINE).await;
    let ended = Moment::now();
    let mut outcome = Outcome::Failure;
    context.store.update(|snapshot| {
        let part = &mut snapshot.controller;
        let noted = described.map_err(|error| error.to_string()).map(|seen| {
            let before = part.seen.as_ref().map(|seen| &*seen.value);
            let racks = seen.brokers.into_iter();
            let racks = racks.filter_map(|broker| Some((broker.id, broker.rack?)));
            let controller = Controller::next(before, seen.controller, racks.collect(), began);
            part.publish(controller, began);
            outcome = Outcome::Success;
        });
        part.attempts.note(began, ended, noted);
    });
    outcome
}

/// A broker whose newest probe was answered; another one each time, so that none is believed alone.
fn whom_to_ask(snapshot: &Snapshot) -> Option<i32> {
    let answering = snapshot.brokers.values().filter(|broker| {
        broker.probes.failing.is_none() && broker.probes.answering_since.is_some()
    });
    let ids: Vec<i32> = answering.map(|broker| broker.id).collect();
    let turn = usize::try_from(snapshot.controller.attempts.finished).unwrap_or(0);
    ids.get(turn % ids.len().max(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Cluster, refused};

    #[test]
    fn brokers_that_answer_are_asked_in_turn() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(2).probes.record(refused(now));
        let mut asked = Vec::new();
        for _ in 0..4 {
            asked.push(whom_to_ask(&cluster.snapshot).unwrap());
            cluster.snapshot.controller.attempts.note(now, now, Ok(()));
        }
        assert_eq!(asked, [1, 3, 1, 3]);
        assert_eq!(whom_to_ask(&Snapshot::default()), None);
    }
}
