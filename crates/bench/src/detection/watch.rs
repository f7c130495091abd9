//! What the health service answers, asked over and over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The report.
    Health,
    /// For Prometheus.
    Metrics,
    /// For people.
    Home,
}

impl Page {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Health, Self::Metrics, Self::Home];

    /// Its path.
    pub fn path(self) -> &'static str {
        match self {
            Self::Health => "/api/health",
            Self::Metrics => "/metrics",
            Self::Home => "/",
        }
    }

    /// The report is what detection is measured by; the others are asked to see how long they take.
    fn interval(self) -> Duration {
        match self {
            Self::Health => Duration::from_millis(20),
            Self::Metrics | Self::Home => Duration::from_millis(100),
        }
    }
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub page: Page,
    pub at: Instant,
    pub took: Duration,
    pub report: Option<Arc<Report>>,
}

/// Of a report what faults are told by.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub status: String,
    pub reasons: Vec<Reason>,
    pub writes_blocked: u64,
    pub groups: Vec<(String, String)>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    pub code: String,
    pub subject: String,
}

impl Report {
    fn of(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let reasons = value["reasons"].as_array().into_iter().flatten();
        let groups = value["consumerGroupHealth"]
            .as_object()
            .into_iter()
            .flatten();
        Self {
            status: text(&value["status"]),
            reasons: reasons
                .map(|reason| Reason {
                    code: text(&reason["code"]),
                    subject: text(&reason["subject"]),
                })
                .collect(),
            writes_blocked: value["writesBlocked"]["partitions"].as_u64().unwrap_or(0),
            groups: groups
                .map(|(id, group)| (id.clone(), text(&group["class"])))
                .collect(),
        }
    }

    /// Whether it has a reason of this code about a subject that begins so.
    pub fn tells(&self, code: &str, subject: &str) -> bool {
        let mut reasons = self.reasons.iter();
        reasons.any(|reason| reason.code == code && reason.subject.starts_with(subject))
    }

    /// The class of a group; empty where it is not known.
    pub fn class(&self, group: &str) -> &str {
        let found = self.groups.iter().find(|(id, _)| id == group);
        found.map_or("", |(_, class)| class)
    }
}

/// Asks until it is dropped.
pub struct Watch {
    answers: Arc<Mutex<Vec<Answer>>>,
    asking: Vec<tokio::task::JoinHandle<()>>,
}

impl Watch {
    /// Asks the service at `base`.
    pub fn start(base: &str) -> Self {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let asking = Page::ALL
            .map(|page| tokio::spawn(ask(base.to_owned(), page, answers.clone())))
            .into();
        Self { answers, asking }
    }

    /// What was answered since.
    pub fn since(&self, from: Instant) -> Vec<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = answers.iter().rev().take_while(|answer| answer.at >= from);
        let mut fresh: Vec<_> = fresh.cloned().collect();
        fresh.reverse();
        fresh
    }

    /// When the first report since `from` was as wanted.
    ///
    /// # Errors
    /// None was within `limit`; the last one is told.
    pub async fn first(
        &self,
        from: Instant,
        limit: Duration,
        wanted: impl Fn(&Report) -> bool,
    ) -> Result<Instant> {
        let end = Instant::now() + limit;
        let mut looked_at = from;
        loop {
            let fresh = self.since(looked_at);
            let found = fresh
                .iter()
                .find(|answer| answer.report.as_ref().is_some_and(|report| wanted(report)));
            if let Some(answer) = found {
                return Ok(answer.at);
            }
            if let Some(last) = fresh.last() {
                looked_at = last.at;
            }
            if Instant::now() > end {
                let last = fresh.iter().rev().find_map(|answer| answer.report.clone());
                bail!("not told within {limit:?}; the last report: {last:?}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for task in &self.asking {
            task.abort();
        }
    }
}

async fn ask(base: String, page: Page, answers: Arc<Mutex<Vec<Answer>>>) {
    let client = reqwest::Client::new();
    let url = format!("{base}{}", page.path());
    let mut ticks = tokio::time::interval(page.interval());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let began = Instant::now();
        let Ok(answer) = client.get(&url).send().await else {
            continue;
        };
        let Ok(body) = answer.bytes().await else {
            continue;
        };
        let took = began.elapsed();
        let report = (page == Page::Health)
            .then(|| serde_json::from_slice::<Value>(&body).ok())
            .flatten()
            .map(|value| Arc::new(Report::of(&value)));
        let answer = Answer {
            page,
            at: Instant::now(),
            took,
            report,
        };
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push(answer);
    }
}
