//! The dashboards of `grafana/`, as the tests see them: their queries with the variables filled in,
//! and what must hold of every file without a Grafana.

use std::path::Path;

use serde_json::Value;

/// One dashboard: its file's document.
#[derive(Debug)]
pub struct Dashboard {
    /// The file, for messages.
    pub file: String,
    /// What it holds.
    pub document: Value,
}

/// A choice at the top of a dashboard: the values of one label.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name in queries, without the dollar sign.
    pub name: String,
    /// The metric whose label it offers.
    pub metric: String,
    /// That label.
    pub label: String,
    /// What stands for all of them.
    pub all: String,
}

/// Grafana makes this from the scrape interval; four scrapes of 5 s.
const RATE_INTERVAL: &str = "20s";

/// All dashboards of the checkout, by file name.
///
/// # Panics
/// When one cannot be read.
#[must_use]
pub fn all() -> Vec<Dashboard> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grafana/dashboards");
    let entries = std::fs::read_dir(&dir).expect("grafana/dashboards is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let dashboards = files.iter().map(|path| {
        let text = std::fs::read_to_string(path).expect("a dashboard can be read");
        Dashboard {
            file: path.file_name().unwrap_or_default().display().to_string(),
            document: serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        }
    });
    dashboards.collect()
}

impl Dashboard {
    /// The panels that show something: rows are left out.
    pub fn panels(&self) -> impl Iterator<Item = &Value> {
        let panels = self.document["panels"].as_array();
        let panels = panels.into_iter().flatten();
        panels.filter(|panel| panel["type"] != "row")
    }

    /// Its variables.
    ///
    /// # Panics
    /// When one is not of the form `label_values(metric, label)`.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        let list = self.document["templating"]["list"].as_array();
        let variables = list.into_iter().flatten().map(|variable| {
            let query = variable["query"]["query"].as_str().unwrap_or_default();
            let inside = query
                .strip_prefix("label_values(")
                .and_then(|rest| rest.strip_suffix(')'));
            let (metric, label) = inside
                .and_then(|inside| inside.split_once(", "))
                .unwrap_or_else(|| panic!("{}: variable {variable}", self.file));
            Variable {
                name: variable["name"].as_str().unwrap_or_default().to_owned(),
                metric: metric.to_owned(),
                label: label.to_owned(),
                all: variable["allValue"].as_str().unwrap_or_default().to_owned(),
            }
        });
        variables.collect()
    }

    /// Every query of a panel, with every variable at "all".
    #[must_use]
    pub fn queries(&self, panel: &Value) -> Vec<String> {
        let targets = panel["targets"].as_array();
        let expressions = targets
            .into_iter()
            .flatten()
            .filter_map(|target| target["expr"].as_str());
        expressions.map(|query| self.filled(query)).collect()
    }

    /// The queries of its annotations.
    #[must_use]
    pub fn annotations(&self) -> Vec<String> {
        let list = self.document["annotations"]["list"].as_array();
        let expressions = list
            .into_iter()
            .flatten()
            .filter_map(|annotation| annotation["expr"].as_str());
        expressions.map(|query| self.filled(query)).collect()
    }

    fn filled(&self, query: &str) -> String {
        let query = query.replace("$__rate_interval", RATE_INTERVAL);
        self.variables().iter().fold(query, |query, variable| {
            query.replace(&format!("${}", variable.name), &variable.all)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What an alert's limit looks like in the panel of the same figure.
    const ALERT_LIMITS: [(&str, &str, f64); 6] = [
        ("cluster", "Healthy brokers", 3.0),
        ("cluster", "Offline partitions", 1.0),
        ("cluster", "Under-replicated", 1.0),
        ("cluster", "Under min. ISR", 1.0),
        ("cluster", "Request queue", 100.0),
        ("consumers", "Lag by group", 10_000.0),
    ];

    #[test]
    fn every_panel_has_a_unit_a_description_and_the_one_datasource() {
        for dashboard in all() {
            for panel in dashboard.panels() {
                let place = format!("{} {}", dashboard.file, panel["title"]);
                let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
                assert!(text(&panel["title"]), "{place}");
                assert!(text(&panel["description"]), "{place}: no description");
                let unit = &panel["fieldConfig"]["defaults"]["unit"];
                assert!(text(unit), "{place}: no unit");
                assert_eq!(panel["datasource"]["uid"], "prometheus", "{place}");
                let queries = dashboard.queries(panel);
                assert!(!queries.is_empty(), "{place}: no query");
                for query in queries {
                    assert!(!query.contains('$'), "{place}: not filled in: {query}");
                }
            }
        }
    }

    #[test]
    fn dashboards_can_be_provisioned_from_files() {
        let mut uids = BTreeSet::new();
        for dashboard in all() {
            let uid = dashboard.document["uid"].as_str().unwrap_or_default();
            assert_eq!(format!("{uid}.json"), dashboard.file);
            assert!(uids.insert(uid.to_owned()), "{uid} twice");
            let text = dashboard.document.to_string();
            assert!(!text.contains("${DS_"), "{}: an input", dashboard.file);
            assert!(dashboard.document["__inputs"].is_null());
            // Each links to the others, which share its tag.
            let tag = &dashboard.document["tags"][0];
            assert_eq!(dashboard.document["links"][0]["tags"][0], *tag);
        }
        assert_eq!(uids.len(), 6, "{uids:?}");
    }

    #[test]
    fn panels_do_not_lie_on_each_other() {
        for dashboard in all() {
            let mut taken = BTreeSet::new();
            for panel in dashboard.document["panels"].as_array().unwrap() {
                let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
                for x in at("x")..at("x") + at("w") {
                    assert!(x < 24, "{}: {}", dashboard.file, panel["title"]);
                    for y in at("y")..at("y") + at("h") {
                        let free = taken.insert((x, y));
                        assert!(free, "{}: {}", dashboard.file, panel["title"]);
                    }
                }
            }
        }
    }

    #[test]
    fn thresholds_are_where_the_alerts_are() {
        let dashboards = all();
        for (uid, title, limit) in ALERT_LIMITS {
            let of_file = |dashboard: &&Dashboard| dashboard.document["uid"] == uid;
            let dashboard = dashboards.iter().find(of_file).unwrap();
            let panel = dashboard
                .panels()
                .find(|panel| panel["title"] == title)
                .unwrap_or_else(|| panic!("{uid} has no panel {title:?}"));
            let steps = &panel["fieldConfig"]["defaults"]["thresholds"]["steps"];
            let values = steps.as_array().unwrap().iter();
            assert!(
                values
                    .filter_map(|step| step["value"].as_f64())
                    .any(|value| (value - limit).abs() < f64::EPSILON),
                "{uid} {title}: {steps}"
            );
        }
    }
}
