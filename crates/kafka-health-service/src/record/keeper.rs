//! Keeps what happened, newest first, within a bound: in memory and, where there is a folder, on disk.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service_kit::input::Page;
use service_kit::journal::Journal;
use tokio::sync::broadcast;

use super::tracker::Changes;
use super::{Incident, StatusChange};
use crate::rules::Status;

/// Name of the file in the service's data folder.
const FILE_NAME: &str = "health.jsonl";
/// What a listener may be behind before it misses something.
const BEHIND: usize = 256;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Event {
    /// The status changed, or the reasons for it.
    Status(StatusChange),
    /// An incident began, grew worse or ended.
    Incident(Incident),
}

/// Incidents by severity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Going on.
    pub open: BTreeMap<Status, usize>,
    /// Begun since the service started.
    pub begun: BTreeMap<Status, u64>,
}

/// What happened.
#[derive(Debug)]
pub struct Record {
    kept: Kept,
    events: broadcast::Sender<Arc<Event>>,
}

type Kept = Mutex<Inner>;

struct Inner {
    most: usize,
    incidents: BTreeMap<String, Incident>,
    changes: VecDeque<StatusChange>,
    begun: BTreeMap<Status, u64>,
    journal: Option<Journal<Event>>,
    /// Why nothing is stored, unless that is meant so.
    problem: Option<String>,
}

impl Record {
    /// A record that ends with the service, of at most `most` incidents and as many changes.
    #[must_use]
    pub fn in_memory(most: usize) -> Self {
        Self {
            kept: Mutex::new(Inner {
                most: most.max(1),
                incidents: BTreeMap::new(),
                changes: VecDeque::new(),
                begun: BTreeMap::new(),
                journal: None,
                problem: None,
            }),
            events: broadcast::Sender::new(BEHIND),
        }
    }

    /// Opens the record in `folder`. Where that fails it is said in the log and in each answer, and the
    /// record lives in memory only. Blocks on the disk.
    #[must_use]
    pub fn open(folder: &Path, most: usize) -> Self {
        let record = Self::in_memory(most);
        let mut inner = record.lock();
        // An incident is at most a beginning, something worse, and an end.
        match Journal::open(folder.join(FILE_NAME), 4 * inner.most) {
            Ok((journal, found)) => {
                for event in found {
                    inner.remember(event);
                }
                inner.journal = Some(journal);
            }
            Err(error) => {
                let path = folder.display();
                tracing::warn!(%error, folder = %path, "history is not stored: it ends with the service");
                inner.problem = Some(error.to_string());
            }
        }
        drop(inner);
        record
    }

    /// Adds what a judgement changed, and tells whoever listens. Blocks on the disk.
    pub(super) fn add(&self, changes: Changes) {
        let incidents = changes.incidents.into_iter().map(Event::Incident);
        for event in incidents.chain(changes.status.map(Event::Status)) {
            let mut inner = self.lock();
            if let Event::Incident(incident) = &event
                && !inner.incidents.contains_key(&incident.id)
            {
                *inner.begun.entry(incident.severity).or_default() += 1;
            }
            inner.store(&event);
            inner.remember(event.clone());
            drop(inner);
            // Nobody may be listening.
            let _ = self.events.send(Arc::new(event));
        }
    }

    /// Incidents that go on.
    #[must_use]
    pub fn open_incidents(&self) -> Vec<Incident> {
        let inner = self.lock();
        let open = inner.incidents.values();
        open.filter(|incident| incident.ended_at.is_none())
            .cloned()
            .collect()
    }

    /// A page of incidents, newest first, and `before` of the next one; only those that go on if so
    /// `open`.
    #[must_use]
    pub fn incidents(&self, open: bool, page: &Page) -> (Vec<Incident>, Option<String>) {
        let inner = self.lock();
        let newest_first = inner.incidents.values().rev();
        let wanted = newest_first.filter(|incident| !open || incident.ended_at.is_none());
        part(wanted, page, |incident| &incident.id)
    }

    /// A page of changes of the status, newest first, and `before` of the next one.
    #[must_use]
    pub fn changes(&self, page: &Page) -> (Vec<StatusChange>, Option<String>) {
        let inner = self.lock();
        part(inner.changes.iter().rev(), page, |change| &change.id)
    }

    /// The last change of the status, or of the reasons for it.
    #[must_use]
    pub fn newest_change(&self) -> Option<StatusChange> {
        self.lock().changes.back().cloned()
    }

    /// Since when the status is this one; `None` when the newest change says another.
    #[must_use]
    pub fn since(&self, status: Status) -> Option<Timestamp> {
        let inner = self.lock();
        let newest_first = inner.changes.iter().rev();
        let same = newest_first.take_while(|change| change.status == status);
        same.last().map(|change| change.at)
    }

    /// How many incidents there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let inner = self.lock();
        let mut open = BTreeMap::new();
        for incident in inner.incidents.values() {
            if incident.ended_at.is_none() {
                *open.entry(incident.severity).or_default() += 1;
            }
        }
        Counts {
            open,
            begun: inner.begun.clone(),
        }
    }

    /// Why the record is not on disk, although it should be.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.lock().problem.clone()
    }

    /// Hears what happens from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a list that a page is, and `before` of the next one.
fn part<'a, T: Clone + 'a>(
    newest_first: impl Iterator<Item = &'a T>,
    page: &Page,
    id: fn(&T) -> &str,
) -> (Vec<T>, Option<String>) {
    let before = page.before.as_deref();
    let mut wanted = newest_first.filter(|entry| before.is_none_or(|before| id(entry) < before));
    let entries: Vec<T> = wanted.by_ref().take(page.limit).cloned().collect();
    let more = wanted.next().is_some();
    let next = entries
        .last()
        .filter(|_| more)
        .map(|last| id(last).to_owned());
    (entries, next)
}

impl Inner {
    fn store(&mut self, event: &Event) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let stored = journal.append(event);
        if let (Err(error), None) = (&stored, &self.problem) {
            tracing::warn!(%error, "history cannot be stored; it is kept in memory meanwhile");
        }
        self.problem = stored.err().map(|error| error.to_string());
    }

    fn remember(&mut self, event: Event) {
        match event {
            Event::Status(change) => {
                self.changes.push_back(change);
                if self.changes.len() > self.most {
                    self.changes.pop_front();
                }
            }
            Event::Incident(incident) => {
                self.incidents.insert(incident.id.clone(), incident);
                if self.incidents.len() > self.most {
                    self.forget_one();
                }
            }
        }
    }

    /// The oldest that is over; of none, the oldest.
    fn forget_one(&mut self) {
        let over = |incident: &&Incident| incident.ended_at.is_some();
        let oldest = self.incidents.values().find(over);
        let oldest = oldest.or_else(|| self.incidents.values().next());
        if let Some(id) = oldest.map(|incident| incident.id.clone()) {
            self.incidents.remove(&id);
        }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("incidents", &self.incidents.len())
            .field("changes", &self.changes.len())
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Check;

    fn incident(id: &str, over: bool) -> Incident {
        let at = Timestamp::from_millisecond(1_764_062_400_123).unwrap();
        Incident {
            id: id.to_owned(),
            code: "broker_down".to_owned(),
            subject: "broker 1".to_owned(),
            check: Check::Brokers,
            severity: Status::Degraded,
            started_at: at,
            ended_at: over.then_some(at),
            ended_unwatched: false,
            evidence: "connection refused".to_owned(),
            last_evidence: "connection refused".to_owned(),
            detected_by: "a probe".to_owned(),
            explained_by: Vec::new(),
        }
    }

    fn add(record: &Record, incidents: &[Incident]) {
        record.add(Changes {
            status: None,
            incidents: incidents.to_vec(),
        });
    }

    fn page(limit: usize, before: Option<&str>) -> Page {
        Page {
            limit,
            before: before.map(str::to_owned),
        }
    }

    fn strings(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    /// Ids of a page, and `before` of the next.
    fn listed(record: &Record, open: bool, page: &Page) -> (Vec<String>, Option<String>) {
        let (incidents, next) = record.incidents(open, page);
        (incidents.into_iter().map(|one| one.id).collect(), next)
    }

    fn ids(record: &Record, open: bool) -> Vec<String> {
        listed(record, open, &Page::first()).0
    }

    #[test]
    fn incidents_are_listed_newest_first_and_page_by_page() {
        let record = Record::in_memory(10);
        add(&record, &["1", "2", "3"].map(|id| incident(id, id != "2")));
        let (newest, next) = listed(&record, false, &page(2, None));
        assert_eq!((newest, next.as_deref()), (strings(&["3", "2"]), Some("2")));
        let rest = listed(&record, false, &page(2, Some("2")));
        assert_eq!(rest, (strings(&["1"]), None));
        assert_eq!(ids(&record, true), ["2"]);
        assert_eq!(record.counts().open[&Status::Degraded], 1);
    }

    #[test]
    fn an_end_replaces_its_beginning_and_counts_once() {
        let record = Record::in_memory(10);
        add(&record, &[incident("1", false), incident("1", true)]);
        assert_eq!(ids(&record, false).len(), 1);
        assert_eq!(record.counts().begun[&Status::Degraded], 1);
        assert!(record.counts().open.is_empty());
    }

    #[test]
    fn what_is_too_much_is_forgotten_and_what_goes_on_last() {
        let record = Record::in_memory(2);
        add(
            &record,
            &[
                incident("1", false),
                incident("2", true),
                incident("3", true),
            ],
        );
        assert_eq!(ids(&record, false), ["3", "1"]);
    }

    #[test]
    fn a_restart_finds_what_was_there() {
        let folder = std::env::temp_dir().join(format!("record-{}", std::process::id()));
        let record = Record::open(&folder, 10);
        assert_eq!(record.problem(), None);
        add(&record, &[incident("1", true), incident("2", false)]);
        drop(record);
        let again = Record::open(&folder, 10);
        assert_eq!(ids(&again, false), ["2", "1"]);
        assert_eq!(again.open_incidents().len(), 1);
        assert_eq!(again.counts().begun, BTreeMap::new());
        drop(again);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said_and_costs_only_what_it_should_have_kept() {
        let record = Record::open(Path::new("/dev/null/nowhere"), 10);
        assert!(record.problem().is_some());
        add(&record, &[incident("1", false)]);
        assert_eq!(ids(&record, false), ["1"]);
    }
}
