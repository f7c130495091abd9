//! Says in the log what changes: the status of the cluster and of each broker, once per change.
//!
//! It reads the same views as the routes, so log and answers cannot disagree.

use std::collections::BTreeMap;
use std::time::Duration;

use service_kit::Readiness;
use tokio_util::sync::CancellationToken;

use crate::rules::{Reason, Status};
use crate::state::{State, View};

/// Something may also change by growing old, without anybody writing.
const LOOK: Duration = Duration::from_secs(1);

/// What was announced last.
#[derive(Debug, Default, PartialEq, Eq)]
struct Announced {
    status: Option<Status>,
    codes: Vec<&'static str>,
    brokers: BTreeMap<i32, bool>,
}

/// One line of the log.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Good(String),
    Bad(String),
}

/// Logs changes until `stop`.
pub async fn run(state: State, stop: CancellationToken) {
    let mut changes = state.store().changes();
    let mut announced = Announced::default();
    let forever = async {
        loop {
            // Until the first look at the cluster has ended there is nothing to say.
            if state.check().is_ok() {
                announced.lines(&state.view()).iter().for_each(Line::log);
            }
            // The store outlives this loop; an error would only mean that nothing changes any more.
            let _ = tokio::time::timeout(LOOK, changes.changed()).await;
        }
    };
    stop.run_until_cancelled(forever).await;
}

impl Line {
    fn log(&self) {
        match self {
            Self::Good(text) => tracing::info!("{text}"),
            Self::Bad(text) => tracing::warn!("{text}"),
        }
    }
}

impl Announced {
    /// What is new in `view`; remembers it.
    fn lines(&mut self, view: &View) -> Vec<Line> {
        let mut lines = self.broker_lines(view);
        lines.extend(self.status_line(view));
        lines
    }

    fn broker_lines(&mut self, view: &View) -> Vec<Line> {
        let mut lines = Vec::new();
        for (id, verdict) in &view.judgement.brokers {
            let up = verdict.liveness.is_up();
            let Some(broker) = view.snapshot.brokers.get(id) else {
                continue;
            };
            if verdict.liveness.is_unknown() {
                continue;
            }
            if self.brokers.insert(*id, up) == Some(up) {
                continue;
            }
            lines.push(match verdict.liveness.trouble() {
                None => Line::Good(format!("{broker}: up")),
                Some(why) => Line::Bad(format!("{broker}: {why}")),
            });
        }
        lines
    }

    fn status_line(&mut self, view: &View) -> Option<Line> {
        let status = view.judgement.status;
        let mut codes: Vec<_> = view
            .judgement
            .reasons
            .iter()
            .map(|reason| reason.code)
            .collect();
        codes.dedup();
        if self.status == Some(status) && self.codes == codes {
            return None;
        }
        let before = self.status.replace(status);
        self.codes = codes;
        let text = match before {
            Some(before) if before != status => format!("{before} -> {status}"),
            _ => status.to_string(),
        };
        if status == Status::Healthy {
            return Some(Line::Good(text));
        }
        Some(Line::Bad(format!(
            "{text}: {}",
            sentences(&view.judgement.reasons)
        )))
    }
}

fn sentences(reasons: &[Reason]) -> String {
    let texts: Vec<_> = reasons.iter().map(|reason| reason.text.as_str()).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures::{Cluster, refused};
    use crate::rules::{Limits, judge};

    fn view(cluster: &Cluster) -> View {
        View {
            snapshot: Arc::new(cluster.snapshot.clone()),
            judgement: judge(&cluster.snapshot, cluster.now, &Limits::default()),
            most_partition_series: 0,
            silent: false,
            record: Arc::new(crate::record::Record::in_memory(1)),
        }
    }

    #[test]
    fn a_change_is_announced_once() {
        let mut cluster = Cluster::healthy();
        let mut announced = Announced::default();
        assert_eq!(announced.lines(&view(&cluster)).len(), 4);
        assert_eq!(announced.lines(&view(&cluster)), []);

        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        let lines = announced.lines(&view(&cluster));
        let down = "broker 1 (127.0.0.1:19092): connection refused".to_owned();
        assert_eq!(lines[0], Line::Bad(down));
        assert!(matches!(&lines[1], Line::Bad(text) if text.starts_with("HEALTHY -> DEGRADED: ")));
        assert_eq!(announced.lines(&view(&cluster)), []);
    }

    #[test]
    fn a_broker_of_which_nothing_is_known_is_not_announced() {
        let cluster = Cluster {
            snapshot: crate::snapshot::Snapshot::expecting(&[1], &[]),
            now: crate::moment::Moment::now(),
        };
        let lines = Announced::default().lines(&view(&cluster));
        assert_eq!(lines.len(), 1);
    }
}
