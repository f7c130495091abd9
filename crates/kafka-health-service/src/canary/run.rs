//! The canary's life: its topic, then records at a steady pace until the service stops.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use kafka_cluster::{
    Delivery, DeliveryObserver, ErrorKind, KafkaCluster, OffsetSpec, RecordProducer, RunId,
    Sequenced, TopicPartition, TopicProducer,
};
use tokio_util::sync::CancellationToken;

use super::CanaryMetrics;
use super::reader::{Read, Reader};
use super::tally::Tally;
use super::topic;
use crate::moment::Moment;
use crate::snapshot::{CanaryRight, CanaryState, Store};

/// Between two attempts at the beginning.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// A record is given up after this long; a leader that is killed is replaced in ten seconds.
const DELIVERY_TIMEOUT_MS: &str = "30000";
const DEADLINE: Duration = Duration::from_secs(10);
/// After so long without any good record everything begins anew.
const NOTHING_COMES: Duration = Duration::from_secs(60);
/// Nothing is waited for when the service stops.
const DRAIN: Duration = Duration::from_secs(1);
/// After the envelope, so that a record is readable by people.
const REST: &[u8] = b" canary of kafka-health-service";

/// What the canary works with.
pub struct Canary {
    /// The cluster.
    pub cluster: KafkaCluster,
    /// Where what it sees is shown.
    pub store: Arc<Store>,
    /// Its topic.
    pub topic: String,
    /// Time between two records to the same partition.
    pub interval: Duration,
    /// What it counts.
    pub metrics: CanaryMetrics,
}

/// Runs it until `stop`.
pub async fn run(canary: Canary, stop: CancellationToken) {
    canary.store.update(|snapshot| {
        snapshot.canary = Some(CanaryState::began(&canary.topic, Moment::now()));
    });
    let living = async {
        loop {
            if let Err(error) = live(&canary).await {
                let why = format!("{error:#}");
                tracing::warn!(topic = canary.topic, why, "the canary cannot begin");
                canary.store.update(|snapshot| {
                    if let Some(state) = &mut snapshot.canary {
                        state.failure = Some(why);
                    }
                });
            }
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    };
    stop.run_until_cancelled(living).await;
}

/// Begins, and then goes on for ever: it ends by being dropped, or by what keeps it from beginning.
async fn live(canary: &Canary) -> anyhow::Result<()> {
    let partitions = match topic::partitions(&canary.cluster, &canary.topic).await? {
        Some(partitions) => partitions,
        None => {
            let brokers = registered(canary);
            let brokers = brokers.context("its topic is made once all brokers are there")?;
            topic::make(&canary.cluster, &canary.topic, brokers).await?
        }
    };
    let places: Vec<_> = partitions
        .iter()
        .map(|id| TopicPartition::new(canary.topic.clone(), *id))
        .collect();
    let ends = canary
        .cluster
        .offsets(&places, OffsetSpec::Latest, DEADLINE)
        .await?;
    let from = ends
        .into_iter()
        .map(|(place, end)| Ok((place, end?)))
        .collect::<Result<_, kafka_cluster::KafkaError>>()?;

    let run = RunId(RandomState::new().hash_one(std::process::id()));
    let before = canary.store.read().canary.clone();
    let tally = Tally::going_on(before.as_ref(), &partitions);
    let tally = Arc::new(Mutex::new(tally));
    let connection = canary.cluster.connection();
    let told = tally.clone();
    let _reader = Reader::start(connection, run, &from, move |read| {
        let mut tally = told.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Read::Ours { partition, number } => tally.read(partition, number, Moment::now()),
            Read::Corrupted { partition } => tally.corrupted(partition),
            Read::Denied { said } => tally.may_not(CanaryRight::Read, said),
        }
    })?;
    let mut config = connection.producer_config("canary");
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .set("message.timeout.ms", DELIVERY_TIMEOUT_MS);
    let observer = Arc::new(Observer(tally.clone()));
    let producer = RecordProducer::new(&config, observer)?.keeping_up_with(connection, &config)?;
    let to_topic = producer.topic(&canary.topic)?;
    let sender = Sender {
        canary,
        run,
        tally: &tally,
        to_topic,
        began: Moment::now(),
        producer: Drain(&producer),
    };
    sender.go_on(&partitions).await
}

/// How many brokers are registered, once all that are expected are.
fn registered(canary: &Canary) -> Option<usize> {
    let snapshot = canary.store.read();
    let registered = &snapshot.topics.seen.as_ref()?.value.registered;
    let all = snapshot.brokers.keys().all(|id| registered.contains(id));
    (all && !registered.is_empty()).then_some(registered.len())
}

/// Reports to the tally; the token is partition and number.
struct Observer(Arc<Mutex<Tally>>);

/// Numbers within a partition; a token has 64 bits.
const NUMBER_BITS: u32 = 48;

impl DeliveryObserver for Observer {
    fn delivered(&self, token: usize, delivery: &Delivery) {
        let token = token as u64;
        let partition = (token >> NUMBER_BITS) as i32;
        let number = token & ((1 << NUMBER_BITS) - 1);
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tally.delivered(partition, number, delivery, Moment::now());
    }
}

/// Gives what is under way a moment when the canary ends.
struct Drain<'a>(&'a RecordProducer<Observer>);

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        if self.0.drain(DRAIN) > 0 {
            self.0.purge();
        }
    }
}

struct Sender<'a> {
    canary: &'a Canary,
    run: RunId,
    tally: &'a Mutex<Tally>,
    to_topic: TopicProducer<Observer>,
    began: Moment,
    producer: Drain<'a>,
}

impl Sender<'_> {
    async fn go_on(&self, partitions: &[i32]) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(self.canary.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            for partition in partitions {
                self.send(*partition);
            }
            let fatal = self.producer.0.fatal_error();
            if let Some(error) = &fatal
                && error.kind == ErrorKind::Denied
            {
                self.tally()
                    .may_not(CanaryRight::Write, error.message.clone());
            }
            self.show();
            if let Some(error) = fatal {
                anyhow::bail!(error);
            }
            if self.nothing_comes() {
                // A topic that was deleted: nothing but a new beginning helps.
                anyhow::bail!("no record came through for {NOTHING_COMES:?}");
            }
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nothing_comes(&self) -> bool {
        let now = Moment::now();
        let last_good = self.tally().last_good();
        let since = last_good.map_or(self.began, |good| good.max(self.began));
        since.age(now) > NOTHING_COMES
    }

    fn send(&self, partition: i32) {
        let snapshot = self.canary.store.read();
        let topics = snapshot.topics.seen.as_ref();
        let known = topics.and_then(|seen| seen.value.partition(&self.canary.topic, partition));
        let Some(known) = known else {
            // The topic is new: metadata that names its leaders is on its way.
            return;
        };
        let leader = known.metadata.leader.unwrap_or(-1);
        let number = self.tally().send(partition, leader, Instant::now());
        let producer = u16::try_from(partition).unwrap_or(u16::MAX);
        let sequenced = Sequenced {
            run: self.run,
            producer,
            sequence: number,
        };
        let mut envelope = [0; Sequenced::LEN];
        sequenced.write(REST, &mut envelope);
        let payload = [&envelope[..], REST].concat();
        let token = (u64::from(producer) << NUMBER_BITS | number) as usize;
        let sent = self.to_topic.send(Some(partition), None, &payload, token);
        if let Err(error) = sent {
            let error = error.to_string();
            self.tally().failed(partition, number, error, Moment::now());
        }
    }

    fn show(&self) {
        let now = Moment::now();
        let mut tally = self.tally();
        tally.expire(now);
        let (events, shown, denied) = (tally.take_events(), tally.shown(now), tally.denied());
        drop(tally);
        for event in &events {
            self.canary.metrics.count(event);
        }
        self.canary.store.update(|snapshot| {
            if let Some(state) = &mut snapshot.canary {
                state.show(shown, denied, now);
            }
        });
    }
}
