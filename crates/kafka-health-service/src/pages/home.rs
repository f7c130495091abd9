//! `/`.

use askama::Template;
use axum::extract;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use service_kit::input::Page;
use service_kit::{Answer, NoInput, Problem};
use service_pages::number;

use super::grid::Grid;
use super::{SHELL, plots};
use crate::maintenance::Window;
use crate::record::Incident;
use crate::report::{ConsumerGroupHealth, HealthReport, ReasonReport};
use crate::rules::{GroupClass, Status, StopVerdict, stop_impact};
use crate::snapshot::Snapshot;
use crate::state::{State, View};

/// Without a script the page loads itself again after so long.
const REFRESH_S: u32 = 5;
/// Incidents on the page.
const INCIDENTS: usize = 20;
/// Groups in the table; those that are furthest behind come first.
const GROUPS: usize = 50;
/// From here on a record of the canary that is under way is worth a word.
const WAITS_S: f64 = 2.0;
/// Groups whose lag is drawn: as many as a plot has colours.
const DRAWN: usize = 4;

#[derive(Template)]
#[template(path = "health.html")]
struct Home {
    status: &'static str,
    tone: &'static str,
    since: String,
    /// Reasons that stand by themselves, each with those that follow from it.
    reasons: Vec<Cause>,
    silent: Vec<String>,
    tiles: Vec<Tile>,
    brokers: Vec<BrokerRow>,
    canary_runs: bool,
    grid: Grid,
    partitions_known: bool,
    groups: Vec<GroupRow>,
    more_groups: usize,
    lag: String,
    zookeeper: Vec<ZookeeperRow>,
    incidents: Vec<IncidentRow>,
    not_stored: Option<String>,
}

struct Cause {
    reason: ReasonReport,
    follows: Vec<ReasonReport>,
}

struct Tile {
    what: &'static str,
    value: String,
    tone: &'static str,
}

struct BrokerRow {
    name: String,
    address: String,
    controller: bool,
    tone: &'static str,
    state: String,
    round_trip: String,
    canary: String,
    canary_tone: &'static str,
    stop: &'static str,
    stop_tone: &'static str,
}

struct GroupRow {
    id: String,
    state: &'static str,
    class: &'static str,
    class_tone: &'static str,
    lag: String,
    waited: String,
    note: String,
}

struct ZookeeperRow {
    address: String,
    tone: &'static str,
    state: String,
    latency: String,
    outstanding: String,
}

struct IncidentRow {
    when: String,
    lasted: String,
    tone: &'static str,
    what: String,
    bar: String,
}

/// The page.
pub(super) async fn home(
    extract::State(state): extract::State<State>,
    _: NoInput,
) -> Answer<Response> {
    let view = state.view();
    let page = Home::of(&state, &view);
    let title = format!("{} - Kafka", page.status);
    page.render()
        .and_then(|body| SHELL.page(StatusCode::OK, &title, Some(REFRESH_S), &body))
        .map_err(Problem::internal)
}

impl Home {
    fn of(state: &State, view: &View) -> Self {
        let now = view.judgement.at.time();
        let report = HealthReport::new(&view.snapshot, &view.judgement);
        let record = state.record();
        let tiles = tiles(&report);
        let mut groups = group_rows(&report);
        let more_groups = groups.len().saturating_sub(GROUPS);
        groups.truncate(GROUPS);
        let newest = Page {
            limit: INCIDENTS,
            before: None,
        };
        let (incidents, _) = record.incidents(false, &newest);
        Self {
            status: report.status.name(),
            tone: tone(report.status),
            since: record.since(report.status).map_or_else(String::new, time),
            brokers: broker_rows(view, &report),
            canary_runs: report.canary.is_some(),
            grid: Grid::of(&view.snapshot, &view.judgement),
            partitions_known: view.judgement.knows_partitions(),
            lag: plots::lag(&state.lag_history().largest(DRAWN), now),
            zookeeper: zookeeper_rows(&report),
            incidents: incidents.iter().map(|one| incident_row(one, now)).collect(),
            not_stored: record.problem(),
            reasons: causes(&view.snapshot, report.reasons),
            silent: state.maintenance().at(now).iter().map(window).collect(),
            tiles,
            groups,
            more_groups,
        }
    }
}

/// Puts what follows from a broker's being down below the reason that says so.
fn causes(snapshot: &Snapshot, reasons: Vec<ReasonReport>) -> Vec<Cause> {
    let (follow, causes): (Vec<_>, Vec<_>) = reasons
        .into_iter()
        .partition(|reason| !reason.explained_by.is_empty());
    let mut causes: Vec<Cause> = causes
        .into_iter()
        .map(|reason| Cause {
            reason,
            follows: Vec::new(),
        })
        .collect();
    for reason in follow {
        let by = reason.explained_by.iter();
        let by = by.filter_map(|id| Some(snapshot.brokers.get(id)?.to_string()));
        let subjects: Vec<String> = by.collect();
        let names_one = |cause: &&mut Cause| {
            cause.reason.code == "broker_down" && subjects.contains(&cause.reason.subject)
        };
        match causes.iter_mut().find(names_one) {
            Some(cause) => cause.follows.push(reason),
            None => causes.push(Cause {
                reason,
                follows: Vec::new(),
            }),
        }
    }
    causes
}

fn tiles(report: &HealthReport) -> Vec<Tile> {
    let partitions = report
        .topic_health
        .values()
        .map(|topic| topic.partition_count);
    let sum = |what, sum: Option<&crate::report::PartitionSum>, bad| match sum {
        None => Tile {
            what,
            value: "not known".to_owned(),
            tone: "warn",
        },
        Some(sum) => Tile {
            what,
            value: number::grouped(sum.partitions as u64),
            tone: if sum.partitions > 0 { bad } else { "" },
        },
    };
    let all_up = report.healthy_brokers == report.total_brokers && report.total_brokers > 0;
    vec![
        Tile {
            what: "brokers",
            value: format!("{} of {}", report.healthy_brokers, report.total_brokers),
            tone: if all_up { "" } else { "bad" },
        },
        Tile {
            what: "topics",
            value: number::grouped(report.topic_health.len() as u64),
            tone: "",
        },
        Tile {
            what: "partitions",
            value: number::grouped(partitions.sum::<usize>() as u64),
            tone: "",
        },
        sum("cannot be read", report.reads_blocked.as_ref(), "bad"),
        sum("refuse writes", report.writes_blocked.as_ref(), "bad"),
        sum("one loss from that", report.at_risk.as_ref(), "warn"),
    ]
}

fn broker_rows(view: &View, report: &HealthReport) -> Vec<BrokerRow> {
    let rows = report.broker_statuses.iter().map(|broker| {
        let id = broker.broker_id;
        let impact = stop_impact(&view.snapshot, &view.judgement, &[id].into());
        let (stop, stop_tone) = match impact.verdict {
            StopVerdict::Safe => ("safe", "good"),
            StopVerdict::Unsafe => ("not safe", "bad"),
            StopVerdict::Unknown => ("not known", "warn"),
        };
        let (canary, canary_tone) = canary_of(report, id);
        BrokerRow {
            canary,
            canary_tone,
            name: format!("{id}"),
            address: match (&broker.host, broker.port) {
                (Some(host), Some(port)) => format!("{host}:{port}"),
                _ => String::new(),
            },
            controller: report.controller_id == Some(id),
            tone: if broker.healthy { "good" } else { "bad" },
            state: match &broker.error_message {
                None => "up".to_owned(),
                Some(message) => message.clone(),
            },
            round_trip: round_trip(&view.snapshot, id),
            stop,
            stop_tone,
        }
    });
    rows.collect()
}

fn window(window: &Window) -> String {
    format!("until {}: {}", time(window.until), window.reason)
}

/// What the canary says of the partitions that a broker leads.
fn canary_of(report: &HealthReport, id: i32) -> (String, &'static str) {
    let canary = report.canary.iter();
    let partitions = canary.flat_map(|canary| &canary.partitions);
    let led: Vec<_> = partitions.filter(|one| one.leader == Some(id)).collect();
    let trouble = led.iter().find_map(|one| one.error_message.as_deref());
    let waiting = led.iter().filter_map(|one| one.waiting_seconds);
    let waiting = waiting.fold(0.0, f64::max);
    match trouble {
        Some(why) => (why.to_owned(), "bad"),
        None if led.is_empty() => ("leads none of its partitions".to_owned(), "quiet"),
        None if waiting >= WAITS_S => (
            format!(
                "a record waits for {}",
                number::duration_ms(waiting * 1_000.0)
            ),
            "bad",
        ),
        None if led.iter().any(|one| one.last_good_at.is_none()) => {
            ("not known yet".to_owned(), "warn")
        }
        None => ("comes through".to_owned(), "good"),
    }
}

fn round_trip(snapshot: &Snapshot, id: i32) -> String {
    let answer = snapshot.brokers.get(&id).and_then(|broker| {
        let latest = broker.probes.latest.as_ref()?;
        latest.answer.as_ref().ok()
    });
    answer.map_or_else(String::new, |answer| {
        number::duration_ms(answer.took.as_secs_f64() * 1_000.0)
    })
}

fn group_rows(report: &HealthReport) -> Vec<GroupRow> {
    let mut groups: Vec<_> = report.consumer_group_health.values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.total_lag));
    let row = |group: &&ConsumerGroupHealth| GroupRow {
        id: group.group_id.clone(),
        state: group.state,
        class: group.class.map_or("not known", GroupClass::in_words),
        class_tone: match group.class {
            None => "warn",
            Some(class) if class.is_trouble() => "bad",
            Some(_) => "",
        },
        lag: group
            .total_lag
            .map_or_else(|| "not known".to_owned(), number::grouped),
        waited: waited(group),
        note: if group.stale {
            "measured too long ago".to_owned()
        } else if let Some(error) = &group.error_message {
            error.clone()
        } else if group.unknown_lags.is_empty() {
            String::new()
        } else {
            format!("not known on {} partitions", group.unknown_lags.len())
        },
    };
    groups.iter().map(row).collect()
}

/// How long the oldest unread record has waited, as far as it is known.
fn waited(group: &ConsumerGroupHealth) -> String {
    let text = |seconds: f64| number::duration_ms(seconds * 1_000.0);
    match (group.lag_seconds_at_least, group.lag_seconds_at_most) {
        (_, Some(0.0)) => String::new(),
        (Some(least), Some(most)) if least < 0.1 => format!("up to {}", text(most)),
        (Some(least), Some(most)) => format!("{} to {}", text(least), text(most)),
        (Some(least), None) => format!("more than {}", text(least)),
        (None, Some(most)) => format!("up to {}", text(most)),
        (None, None) => "not known".to_owned(),
    }
}

fn zookeeper_rows(report: &HealthReport) -> Vec<ZookeeperRow> {
    let rows = report.zookeeper_statuses.iter().map(|node| ZookeeperRow {
        address: node.address.clone(),
        tone: if node.healthy { "good" } else { "bad" },
        latency: node
            .latency_average_ms
            .map_or_else(String::new, number::duration_ms),
        outstanding: node
            .outstanding_requests
            .map_or_else(String::new, number::grouped),
        state: match (&node.mode, &node.error_message) {
            (Some(mode), _) => (*mode).to_owned(),
            (None, Some(message)) => message.clone(),
            (None, None) => "not known".to_owned(),
        },
    });
    rows.collect()
}

fn incident_row(incident: &Incident, now: Timestamp) -> IncidentRow {
    let end = incident.ended_at.unwrap_or(now);
    let lasted_ms = end.duration_since(incident.started_at).as_secs_f64() * 1_000.0;
    let lasted = number::duration_ms(lasted_ms.max(0.0));
    IncidentRow {
        when: time(incident.started_at),
        lasted: match (incident.ended_at, incident.ended_unwatched) {
            (None, _) => format!("{lasted} so far"),
            (Some(_), true) => format!("at most {lasted}"),
            (Some(_), false) => lasted,
        },
        tone: match incident.ended_at {
            None => plots::tone(incident),
            Some(_) => "quiet",
        },
        what: incident.evidence.clone(),
        bar: plots::bar(incident, now),
    }
}

fn tone(status: Status) -> &'static str {
    match status {
        Status::Healthy => "good",
        Status::Degraded | Status::Unknown => "warn",
        Status::Critical => "bad",
    }
}

fn time(at: Timestamp) -> String {
    format!("{at:.0}").replace('T', " ").replace('Z', "")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures::{Cluster, Place, refused, topic};
    use crate::rules::Limits;
    use crate::snapshot::Store;

    fn html(snapshot: Snapshot) -> String {
        let state = State::new(Arc::new(Store::new(snapshot)), Limits::default());
        Home::of(&state, &state.view()).render().unwrap()
    }

    #[test]
    fn a_healthy_cluster_says_so_and_gives_no_reasons() {
        let html = html(Cluster::healthy().snapshot);
        assert!(html.contains("HEALTHY"), "{html}");
        assert!(!html.contains("class=\"reasons\""), "{html}");
        assert!(html.contains("log-processor") && html.contains("127.0.0.1:19093"));
    }

    #[test]
    fn what_follows_from_a_broker_that_is_down_stands_below_it() {
        let mut cluster = Cluster::healthy();
        let short: Place<'_> = (Some(2), &[1, 2, 3], &[2, 3]);
        cluster.show(&[topic("orders", &[short])]);
        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        let html = html(cluster.snapshot);
        assert!(html.contains("DEGRADED"));
        let down = html.find("connection refused").unwrap();
        let follows = html
            .find("1 partition (orders 1) under-replicated")
            .unwrap();
        assert!(down < follows, "{html}");
        assert!(html.contains("hence"), "{html}");
    }

    #[test]
    fn while_nothing_is_known_the_page_says_that() {
        let html = html(Snapshot::default());
        assert!(
            html.contains("UNKNOWN") && html.contains("not known"),
            "{html}"
        );
    }
}
