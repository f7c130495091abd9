//! The latest report, shared between the task that compares and everybody who reads it.

use std::sync::{Arc, Mutex, PoisonError};

use service_kit::Readiness;
use tokio::sync::Notify;
use tracing::{info, warn};

use super::Document;
use super::report::{DeclaredReport, DeclaredState, DeclaredTopicReport};
use crate::metrics::AdminMetrics;

/// Holds the latest report, and keeps metrics and log in step with it.
#[derive(Debug)]
pub struct Declared {
    report: Mutex<Arc<DeclaredReport>>,
    changed: Notify,
    metrics: AdminMetrics,
}

impl Declared {
    /// Nothing is known yet about the topics of `document`. A service without a document has
    /// nothing to apply, so all of it is applied.
    #[must_use]
    pub fn new(path: Option<String>, document: &Document, metrics: AdminMetrics) -> Self {
        let topics = document
            .topics
            .iter()
            .map(DeclaredTopicReport::not_yet_checked)
            .collect();
        let report = DeclaredReport {
            document: path,
            applied: document.topics.is_empty(),
            check_time: None,
            topics,
        };
        count(&report, &metrics);
        Self {
            report: Mutex::new(Arc::new(report)),
            changed: Notify::new(),
            metrics,
        }
    }

    /// The latest report.
    #[must_use]
    pub fn report(&self) -> Arc<DeclaredReport> {
        self.report
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Says that a topic was made or deleted, so that the report is renewed before its time.
    pub fn look_again(&self) {
        self.changed.notify_one();
    }

    /// Ends once [`Declared::look_again`] was called.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn publish(&self, report: DeclaredReport) {
        let before = self.report();
        for (was, is) in before.topics.iter().zip(&report.topics) {
            if (was.state, &was.reason, &was.differences) != (is.state, &is.reason, &is.differences)
            {
                log(is);
            }
        }
        if report.applied && !before.applied {
            info!(topics = report.topics.len(), "declared topics applied");
        }
        count(&report, &self.metrics);
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(report);
    }
}

impl Readiness for Declared {
    /// Ready once every declared topic was found or made, and from then on: what happens to a topic
    /// later is for the report to tell, and does not make this service unfit.
    fn check(&self) -> Result<(), String> {
        let report = self.report();
        if report.applied {
            return Ok(());
        }
        let waiting = report.topics.iter().filter(|topic| !topic.state.is_there());
        let reasons: Vec<_> = waiting
            .map(|topic| {
                let reason = topic.reason.as_deref().unwrap_or("not looked for yet");
                format!("{}: {reason}", topic.topic_name)
            })
            .collect();
        Err(format!(
            "declared topics are not all there: {}",
            reasons.join("; ")
        ))
    }
}

fn count(report: &DeclaredReport, metrics: &AdminMetrics) {
    for state in DeclaredState::ALL {
        let topics = i64::try_from(report.count(state)).unwrap_or(i64::MAX);
        metrics
            .declared_topics
            .with_label_values(&[state.name()])
            .set(topics);
    }
}

fn log(topic: &DeclaredTopicReport) {
    let name = &topic.topic_name;
    let reason = topic.reason.as_deref().unwrap_or_default();
    match topic.state {
        DeclaredState::InSync => info!(topic = name, "declared topic is as declared"),
        DeclaredState::Unknown => info!(topic = name, reason, "declared topic is not known"),
        DeclaredState::Missing => warn!(topic = name, reason, "declared topic is missing"),
        DeclaredState::Refused => warn!(topic = name, reason, "declared topic is refused by Kafka"),
        DeclaredState::Differs => {
            for difference in &topic.differences {
                warn!(
                    topic = name,
                    field = difference.field,
                    declared = difference.declared.as_deref().unwrap_or("(not declared)"),
                    actual = difference.actual.as_deref().unwrap_or("(unknown to Kafka)"),
                    "declared topic differs"
                );
            }
        }
    }
}
