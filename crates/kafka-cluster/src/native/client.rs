//! One long-lived librdkafka client with its own result queue and poll thread.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::{ClientContext, Statistics};
use rdkafka_sys as sys;
use tokio::sync::{Semaphore, oneshot};

use super::borrow::{optional_text, text};
use super::codes;
use super::handles::{Options, Queue};
use super::nudges::Nudges;
use super::operation::{CallOptions, Operation};
use super::refusals::Refusals;
use crate::{BootstrapGuard, Connection, CredentialsWatch, KafkaError};

/// Blocking calls at a time: enough for hedged metadata, few enough to bound threads.
const BLOCKING_CALLS: usize = 8;
/// What librdkafka needs to report a time-out itself, before we give up on its report.
pub(super) const REPORT_MARGIN: Duration = Duration::from_millis(500);
/// How long the poll thread sleeps at most before it looks whether it shall end.
const POLL_MS: i32 = 1_000;
/// The same for the thread that serves callbacks, which nothing wakes.
const EVENT_POLL: Duration = Duration::from_millis(100);

/// The answer of a submitted call. Boxed, so that it borrows nothing of what was submitted.
pub(super) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, KafkaError>> + Send>>;

/// Decodes a result on the poll thread and hands it to whoever waits.
type Decoder = Box<dyn FnOnce(&Event) + Send>;

/// Decoders by the number that librdkafka carries as opaque: a late answer finds nothing.
#[derive(Default)]
struct Pending {
    decoders: Mutex<HashMap<usize, Decoder>>,
    next_key: AtomicUsize,
}

impl Pending {
    fn insert(&self, decoder: Decoder) -> usize {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed) + 1;
        self.lock().insert(key, decoder);
        key
    }

    fn take(&self, key: usize) -> Option<Decoder> {
        self.lock().remove(&key)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Decoder>> {
        self.decoders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client behind every typed call.
///
/// It is a consumer that never subscribes. A producer's handle would do for all but one thing: when a
/// coordinator moves, librdkafka 2.12.1 answers an offset query of a handle without a group by
/// dereferencing null (`rd_kafka_handle_OffsetFetch` -> `rd_kafka_cgrp_op`). A thread of its own
/// serves the main queue, which an `AdminClient`'s handle never does: no log or error callbacks, and
/// the queue would grow.
pub(crate) struct Client {
    pending: Arc<Pending>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    guard: Mutex<BootstrapGuard>,
    // Before the consumer: fields are dropped in this order, and the queue belongs to its client.
    queue: Arc<Queue>,
    pub(super) blocking: Arc<Semaphore>,
    pub(super) nudges: Nudges,
    requests: RequestCounts,
    pub(super) refusals: Refusals,
    consumer: Arc<BaseConsumer<Quiet>>,
}

impl Client {
    pub(crate) fn new(connection: &Connection) -> Result<Self, KafkaError> {
        let requests = RequestCounts::default();
        let refusals = Refusals::new(connection);
        let quiet = Quiet {
            requests: requests.clone(),
            refusals: refusals.clone(),
        };
        let config = connection.admin_config();
        let consumer = BaseConsumer::from_config_and_context(&config, quiet)
            .map_err(|error| KafkaError::of_client("create client", &error))?;
        let consumer = Arc::new(consumer);
        // SAFETY: the client lives as long as `consumer`, which this struct drops after the queue.
        let queue = Queue::own(unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) })
            .expect("rd_kafka_queue_new never fails: it aborts without memory");
        let mut client = Self {
            guard: Mutex::new(BootstrapGuard::new(connection)),
            pending: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
            queue: Arc::new(queue),
            blocking: Arc::new(Semaphore::new(BLOCKING_CALLS)),
            nudges: Nudges::default(),
            requests,
            refusals,
            consumer,
        };
        let (queue, pending, stop) = (
            client.queue.clone(),
            client.pending.clone(),
            client.stop.clone(),
        );
        client.spawn("kafka-results", move || {
            poll_results(&queue, &pending, &stop);
        })?;
        let (consumer, stop) = (client.consumer.clone(), client.stop.clone());
        let watch = CredentialsWatch::new(connection, &config);
        client.spawn("kafka-events", move || {
            serve_events(&consumer, watch, &stop);
        })?;
        Ok(client)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), KafkaError> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(work);
        self.threads.push(thread.map_err(|error| {
            KafkaError::of_read(
                "create client",
                crate::codes::LOCAL_INVALID_ARG,
                format!("cannot start a thread: {error}"),
            )
        })?);
        Ok(())
    }

    pub(super) fn raw(&self) -> *mut sys::rd_kafka_t {
        self.consumer.client().native_ptr()
    }

    /// The controller as the newest metadata named it.
    pub(crate) fn controller(&self) -> Option<i32> {
        // SAFETY: the client is alive; without a time-out this only reads what is cached.
        let id = unsafe { sys::rd_kafka_controllerid(self.raw(), 0) };
        (id >= 0).then_some(id)
    }

    /// The cluster's id as metadata told it.
    pub(crate) fn cluster_id(&self) -> Option<String> {
        // SAFETY: the client is alive; the text is ours, and is given back once it is copied.
        unsafe {
            let id = sys::rd_kafka_clusterid(self.raw(), 0);
            let copy = optional_text(id);
            if !id.is_null() {
                sys::rd_kafka_mem_free(self.raw(), id.cast());
            }
            copy
        }
    }

    /// Requests sent to all brokers, by Kafka's name, as of the newest statistics.
    pub(crate) fn requests(&self) -> BTreeMap<String, u64> {
        let counts = self.requests.lock();
        counts.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of whether a broker could be asked; blocks for a moment when none can.
    pub(super) fn note_reachable(&self, reachable: bool) {
        // Whoever holds the guard looks after it right now.
        if let Ok(mut guard) = self.guard.try_lock() {
            if reachable {
                guard.answered();
            } else {
                guard.reaches_nobody(self.consumer.client());
            }
        }
    }

    /// Submits one call now and returns its answer later, within the deadline; why brokers refuse this
    /// client is found out after it.
    ///
    /// `submit` gets the client, the options and the queue, and must call librdkafka once; `decode`
    /// runs on the poll thread with the answer of a call that did not fail as a whole.
    pub(super) fn call<T: Send + 'static>(
        &self,
        operation: Operation,
        options: CallOptions,
        submit: impl FnOnce(
            *mut sys::rd_kafka_t,
            *const sys::rd_kafka_AdminOptions_t,
            *mut sys::rd_kafka_queue_t,
        ),
        decode: impl FnOnce(&Event) -> Result<T, KafkaError> + Send + 'static,
    ) -> Answer<T> {
        let (answer, answered) = oneshot::channel();
        let decoder: Decoder = Box::new(move |event| {
            let result = match event.error() {
                Some((code, message)) => Err(operation.error(code, message)),
                None => decode(event),
            };
            // The caller may have given up; then nobody wants the answer.
            let _ = answer.send(result);
        });
        let key = self.pending.insert(decoder);
        let submitted = options
            .build(self.raw(), operation, key)
            .map(|built: Options| {
                submit(self.raw(), built.as_ptr(), self.queue.as_ptr());
            });
        let (pending, refusals) = (self.pending.clone(), self.refusals.clone());
        let not_submitted = submitted.err();
        Box::pin(async move {
            if let Some(error) = not_submitted {
                pending.take(key);
                return Err(error);
            }
            let forget = ForgetOnDrop { pending, key };
            let result = tokio::time::timeout(options.deadline + REPORT_MARGIN, answered).await;
            drop(forget);
            let result = match result {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => {
                    Err(operation.error(crate::codes::LOCAL_DESTROY, "the client was closed"))
                }
                Err(_) => Err(operation.error(
                    crate::codes::LOCAL_TIMED_OUT,
                    format!("no answer within {} ms", options.deadline.as_millis()),
                )),
            };
            match result {
                Ok(answer) => Ok(answer),
                Err(error) => Err(refusals.explain(error).await),
            }
        })
    }
}

/// Adds servers to those that a client may ask; what is no address is passed over.
pub(crate) fn add_brokers<C: ClientContext>(client: &rdkafka::client::Client<C>, servers: &str) {
    if let Ok(servers) = std::ffi::CString::new(servers) {
        // SAFETY: the client is borrowed, so it is alive; the text is copied.
        unsafe { sys::rd_kafka_brokers_add(client.native_ptr(), servers.as_ptr()) };
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // SAFETY: the queue is alive; this only wakes the thread that polls it.
        unsafe { sys::rd_kafka_queue_yield(self.queue.as_ptr()) };
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Removes the decoder of a call that nobody waits for any more.
struct ForgetOnDrop {
    pending: Arc<Pending>,
    key: usize,
}

impl Drop for ForgetOnDrop {
    fn drop(&mut self) {
        self.pending.take(self.key);
    }
}

fn poll_results(queue: &Queue, pending: &Pending, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        // SAFETY: the queue is alive: this thread shares it.
        let raw = unsafe { sys::rd_kafka_queue_poll(queue.as_ptr(), POLL_MS) };
        let Some(event) = Event::own(raw) else {
            continue;
        };
        if let Some(decoder) = pending.take(event.key()) {
            decoder(&event);
        }
    }
}

/// Serves callbacks; nothing is subscribed, so no record ever comes.
fn serve_events(consumer: &BaseConsumer<Quiet>, mut watch: CredentialsWatch, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        watch.look(consumer.client());
        if let Some(Err(error)) = consumer.poll(EVENT_POLL) {
            tracing::debug!(%error, "librdkafka reported");
        }
    }
}

/// One result, alive while it is decoded.
pub(super) struct Event(*mut sys::rd_kafka_event_t);

impl Event {
    fn own(raw: *mut sys::rd_kafka_event_t) -> Option<Self> {
        (!raw.is_null()).then(|| Self(raw))
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_event_t {
        self.0
    }

    fn key(&self) -> usize {
        // SAFETY: the event is alive; the opaque is the number that was set.
        unsafe { sys::rd_kafka_event_opaque(self.0) as usize }
    }

    /// Why the call failed as a whole.
    fn error(&self) -> Option<(i32, String)> {
        // SAFETY: the event is alive.
        unsafe {
            let code = codes::rd_kafka_event_error(self.0);
            (code != crate::codes::NONE)
                .then(|| (code, text(sys::rd_kafka_event_error_string(self.0))))
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: polled from the queue, destroyed only here.
        unsafe { sys::rd_kafka_event_destroy(self.0) }
    }
}

/// Requests by Kafka's name.
type RequestCounts = Arc<Mutex<BTreeMap<String, u64>>>;

/// Logs through tracing (the default), and keeps of statistics, where they are asked for
/// (`statistics.interval.ms`), how many requests were sent.
struct Quiet {
    requests: RequestCounts,
    refusals: Refusals,
}

impl ClientContext for Quiet {
    fn stats(&self, statistics: Statistics) {
        let mut sum = BTreeMap::new();
        for broker in statistics.brokers.into_values() {
            for (name, count) in broker.req {
                *sum.entry(name).or_insert(0) += u64::try_from(count).unwrap_or(0);
            }
        }
        sum.retain(|_, count| *count > 0);
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner) = sum;
    }

    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        // Connections come and go with brokers; whoever calls gets the error of the call.
        tracing::debug!(%error, reason, "librdkafka reported");
        if let Some(code) = error.rdkafka_error_code() {
            self.refusals.heard(code as i32, reason);
        }
    }
}

impl ConsumerContext for Quiet {}
