//! Lag over time, and incidents on a line of time.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use service_pages::plot::{Axis, Plot, Scale, Series};

use crate::record::{Incident, LagCourse};

/// Incidents are drawn over the last day.
pub(super) const DAY_S: f64 = 86_400.0;

/// Lag of each group, in records, by the minutes before `now`.
#[expect(clippy::cast_precision_loss, reason = "a drawing")]
pub(super) fn lag(courses: &BTreeMap<String, LagCourse>, now: Timestamp) -> String {
    let series = courses.iter().map(|(group, course)| Series {
        name: group.clone(),
        points: course
            .samples
            .iter()
            .map(|(at, lag)| (-seconds(*at, now) / 60.0, lag.map(|lag| lag as f64)))
            .collect(),
        joined: true,
    });
    Plot {
        title: "Records behind".to_owned(),
        x: Axis {
            label: "minutes ago".to_owned(),
            scale: Scale::Linear,
        },
        y: Axis {
            label: String::new(),
            scale: Scale::Linear,
        },
        series: series.collect(),
        mark: None,
    }
    .figure()
}

/// One incident as a bar on a line that is the last day.
pub(super) fn bar(incident: &Incident, now: Timestamp) -> String {
    let place = |at: Timestamp| 240.0 * (1.0 - (seconds(at, now) / DAY_S).clamp(0.0, 1.0));
    let begin = place(incident.started_at);
    let end = incident.ended_at.map_or(240.0, place);
    let width = (end - begin).max(2.0);
    let begin = begin.min(240.0 - width);
    let tone = tone(incident);
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg class=\"bar\" viewBox=\"0 0 240 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <path class=\"rail\" d=\"M0 5H240\"/><rect class=\"{tone}\" x=\"{begin:.1}\" y=\"1\" \
         width=\"{width:.1}\" height=\"8\"/></svg>"
    );
    svg
}

/// The class of the style that belongs to an incident.
pub(super) fn tone(incident: &Incident) -> &'static str {
    match incident.severity {
        crate::rules::Status::Critical => "bad",
        _ => "warn",
    }
}

fn seconds(at: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(at).as_secs_f64()
}
