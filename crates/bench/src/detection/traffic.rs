//! A producer and a consumer, so that groups have something to be behind of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};

/// A thread that goes on until this is dropped.
pub struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Worker {
    fn start(mut step: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                step();
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends `rate` records a second.
///
/// # Errors
/// Settings that librdkafka refuses.
pub fn produce(bootstrap: &str, topic: &str, rate: u32) -> Result<Worker> {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .context("a producer")?;
    let topic = topic.to_owned();
    let pause = Duration::from_secs(1) / rate;
    Ok(Worker::start(move || {
        let _ = producer.send(BaseRecord::<(), _>::to(&topic).payload("a record"));
        std::thread::sleep(pause);
    }))
}

/// Reads and commits as a member of `group`, `rate` records a second at most.
///
/// # Errors
/// Settings that librdkafka refuses.
pub fn consume(bootstrap: &str, topic: &str, group: &str, rate: Option<u32>) -> Result<Worker> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("auto.commit.interval.ms", "1000")
        .create()
        .context("a consumer")?;
    consumer.subscribe(&[topic])?;
    let pause = rate.map(|rate| Duration::from_secs(1) / rate);
    let consumer = Leaving(consumer);
    Ok(Worker::start(move || {
        let got = consumer.0.poll(Duration::from_millis(100)).is_some();
        if let (true, Some(pause)) = (got, pause) {
            std::thread::sleep(pause);
        }
    }))
}

/// Commits and leaves the group when it is dropped.
struct Leaving(BaseConsumer);

impl Drop for Leaving {
    fn drop(&mut self) {
        let _ = self.0.commit_consumer_state(CommitMode::Sync);
        self.0.unsubscribe();
    }
}
