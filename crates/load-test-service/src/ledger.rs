//! What became of each event of a run, three bits an event, and what reading back makes of it.
//!
//! Pure: the [`Ledger`] is filled from delivery reports while a run goes on, the [`Verifier`] takes
//! records in the order of their partitions and says what is missing, doubled, out of order or
//! changed. A record is known by the [`Sequenced`] envelope that it carries.

use std::collections::HashMap;

use kafka_cluster::{RunId, Sequenced, SequencedError};

/// What is known of an event from its delivery report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Acknowledged: it must be in the log.
    Acknowledged,
    /// Failed for certain: it must not be there.
    NotWritten,
    /// The answer was lost: it may be there.
    PossiblyWritten,
}

/// The fates of one producer's events by their sequence: two bits for the fate, one for whether it
/// was read back. Ten million events take 3.75 MB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Two bits an event: 0 is no fate yet.
    fates: Vec<u64>,
    /// One bit an event.
    seen: Vec<u64>,
}

const FATES_PER_WORD: u64 = 32;
const SEEN_PER_WORD: u64 = 64;

impl Ledger {
    /// A ledger with room for so many events; it grows where there are more.
    #[must_use]
    pub fn with_room_for(events: u64) -> Self {
        Self {
            fates: vec![0; words(events, FATES_PER_WORD)],
            seen: Vec::new(),
        }
    }

    /// Notes the fate of an event.
    pub fn settle(&mut self, sequence: u64, fate: Fate) {
        let (word, shift) = place_of_fate(sequence);
        if word >= self.fates.len() {
            self.fates.resize(word + 1, 0);
        }
        let code = match fate {
            Fate::Acknowledged => 1,
            Fate::NotWritten => 2,
            Fate::PossiblyWritten => 3,
        };
        self.fates[word] = self.fates[word] & !(3 << shift) | code << shift;
    }

    /// Gives every event below `sent` that has no fate yet that of a lost answer.
    pub fn give_up(&mut self, sent: u64) {
        for sequence in 0..sent {
            if self.fate(sequence).is_none() {
                self.settle(sequence, Fate::PossiblyWritten);
            }
        }
    }

    /// The fate of an event; `None` where it has none, or was never sent.
    #[must_use]
    pub fn fate(&self, sequence: u64) -> Option<Fate> {
        let (word, shift) = place_of_fate(sequence);
        match self.fates.get(word)? >> shift & 3 {
            1 => Some(Fate::Acknowledged),
            2 => Some(Fate::NotWritten),
            3 => Some(Fate::PossiblyWritten),
            _ => None,
        }
    }

    /// Marks an event as read back; whether it was the first time.
    fn see(&mut self, sequence: u64) -> bool {
        let (word, bit) = (
            (sequence / SEEN_PER_WORD) as usize,
            sequence % SEEN_PER_WORD,
        );
        if word >= self.seen.len() {
            self.seen.resize(word + 1, 0);
        }
        let first = self.seen[word] >> bit & 1 == 0;
        self.seen[word] |= 1 << bit;
        first
    }

    fn was_seen(&self, sequence: u64) -> bool {
        let word = self.seen.get((sequence / SEEN_PER_WORD) as usize);
        word.is_some_and(|word| word >> (sequence % SEEN_PER_WORD) & 1 == 1)
    }

    /// All fates in order of sequence.
    fn fates(&self) -> impl Iterator<Item = (u64, Fate)> + '_ {
        let end = self.fates.len() as u64 * FATES_PER_WORD;
        (0..end).filter_map(|sequence| Some((sequence, self.fate(sequence)?)))
    }
}

fn words(events: u64, per_word: u64) -> usize {
    usize::try_from(events.div_ceil(per_word)).unwrap_or(0)
}

fn place_of_fate(sequence: u64) -> (usize, u64) {
    (
        (sequence / FATES_PER_WORD) as usize,
        sequence % FATES_PER_WORD * 2,
    )
}

/// What reading back came to, in events. One that is there whole, once and in order is none of these
/// but `read_back`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Findings {
    /// Acknowledged, as the ledger has it.
    pub acknowledged: u64,
    /// Failed and certainly not written, as the ledger has it.
    pub not_written: u64,
    /// Failed and perhaps written, as the ledger has it.
    pub possibly_written: u64,
    /// Acknowledged events that were read back.
    pub read_back: u64,
    /// Acknowledged events that are not there.
    pub lost: u64,
    /// Records beyond the first of their event.
    pub duplicated: u64,
    /// Records that stand behind one of the same producer and partition that was sent later.
    pub out_of_order: u64,
    /// Records whose checksum is wrong. Whose they were cannot be trusted then: the event that was
    /// meant is lost as well, unless it is there a second time.
    pub corrupted: u64,
    /// Events that failed as "certainly not written" and are there all the same.
    pub not_written_but_there: u64,
    /// Events whose answer was lost and that are there.
    pub possibly_written_and_there: u64,
    /// Records of this run with a number that was never sent.
    pub never_sent: u64,
    /// Records that are none of this run: somebody else writes to the topic too.
    pub foreign: u64,
}

impl Findings {
    /// Whether the log is what the delivery reports said.
    #[must_use]
    pub fn clean(&self) -> bool {
        let wrong = self.lost
            + self.duplicated
            + self.out_of_order
            + self.corrupted
            + self.not_written_but_there
            + self.never_sent;
        wrong == 0
    }
}

/// Compares the records of a topic with the ledgers of a run.
#[derive(Debug)]
pub struct Verifier {
    run: RunId,
    /// By number of the producer.
    ledgers: Vec<Ledger>,
    /// The latest sequence of each producer in each partition.
    latest: HashMap<(i32, u16), u64>,
    found: Findings,
}

impl Verifier {
    /// A verifier that has read nothing; `ledgers` by number of the producer.
    #[must_use]
    pub fn new(run: RunId, ledgers: Vec<Ledger>) -> Self {
        Self {
            run,
            ledgers,
            latest: HashMap::new(),
            found: Findings::default(),
        }
    }

    /// Takes a record: `envelope` is what was read from it. Records of one partition come in the
    /// order of their offsets.
    pub fn read(&mut self, partition: i32, envelope: Result<Sequenced, SequencedError>) {
        let envelope = match envelope {
            Ok(envelope) if envelope.run == self.run => envelope,
            Ok(_) | Err(SequencedError::Foreign) => {
                self.found.foreign += 1;
                return;
            }
            Err(SequencedError::Corrupted) => {
                self.found.corrupted += 1;
                return;
            }
        };
        let Sequenced {
            producer, sequence, ..
        } = envelope;
        let Some(ledger) = self.ledgers.get_mut(usize::from(producer)) else {
            // The warm-up's producer: not part of what is accounted for.
            self.found.foreign += 1;
            return;
        };
        let Some(fate) = ledger.fate(sequence) else {
            self.found.never_sent += 1;
            return;
        };
        if !ledger.see(sequence) {
            self.found.duplicated += 1;
            return;
        }
        match fate {
            Fate::Acknowledged => self.found.read_back += 1,
            Fate::NotWritten => self.found.not_written_but_there += 1,
            Fate::PossiblyWritten => self.found.possibly_written_and_there += 1,
        }
        let latest = self.latest.entry((partition, producer)).or_insert(sequence);
        if sequence < *latest {
            self.found.out_of_order += 1;
        }
        *latest = sequence.max(*latest);
    }

    /// What was found; every acknowledged event that was not read is lost.
    #[must_use]
    pub fn conclude(mut self) -> Findings {
        for ledger in &self.ledgers {
            for (sequence, fate) in ledger.fates() {
                match fate {
                    Fate::Acknowledged => {
                        self.found.acknowledged += 1;
                        self.found.lost += u64::from(!ledger.was_seen(sequence));
                    }
                    Fate::NotWritten => self.found.not_written += 1,
                    Fate::PossiblyWritten => self.found.possibly_written += 1,
                }
            }
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_event::{Corpus, RecordFields, read_envelope};

    const RUN: RunId = RunId(0xabcd);
    const PARTITIONS: u64 = 3;

    /// A log as it stands after `events` events, each acknowledged, in runs of ten to a partition.
    fn written(events: u64) -> (Ledger, Vec<(i32, Vec<u8>)>) {
        let mut corpus = Corpus::new(1);
        let mut ledger = Ledger::with_room_for(events);
        let records = (0..events)
            .map(|sequence| {
                ledger.settle(sequence, Fate::Acknowledged);
                let envelope = Sequenced {
                    run: RUN,
                    producer: 0,
                    sequence,
                };
                let record = corpus.record(&RecordFields {
                    envelope,
                    timestamp_ms: 1_763_831_160_042,
                });
                ((sequence / 10 % PARTITIONS) as i32, record.to_vec())
            })
            .collect();
        (ledger, records)
    }

    fn verify(ledger: Ledger, records: &[(i32, Vec<u8>)]) -> Findings {
        let mut verifier = Verifier::new(RUN, vec![ledger]);
        for (partition, record) in records {
            verifier.read(*partition, read_envelope(record));
        }
        verifier.conclude()
    }

    fn clean(events: u64) -> Findings {
        Findings {
            acknowledged: events,
            read_back: events,
            ..Findings::default()
        }
    }

    #[test]
    fn a_log_that_is_whole_is_clean() {
        let (ledger, records) = written(1_000);
        let found = verify(ledger, &records);
        assert_eq!(found, clean(1_000));
        assert!(found.clean());
    }

    #[test]
    fn a_record_dropped_on_the_way_is_lost() {
        for dropped in [0, 17, 999] {
            let (ledger, mut records) = written(1_000);
            records.remove(dropped);
            let found = verify(ledger, &records);
            let expected = Findings {
                read_back: 999,
                lost: 1,
                ..clean(1_000)
            };
            assert_eq!(found, expected, "record {dropped}");
            assert!(!found.clean());
        }
    }

    #[test]
    fn a_record_doubled_on_the_way_is_a_duplicate() {
        // At once, or much later: never out of order too.
        for place in [18, 900] {
            let (ledger, mut records) = written(1_000);
            let again = records[17].clone();
            records.insert(place, again);
            let found = verify(ledger, &records);
            let expected = Findings {
                duplicated: 1,
                ..clean(1_000)
            };
            assert_eq!(found, expected, "at {place}");
            assert!(!found.clean());
        }
    }

    #[test]
    fn two_records_swapped_on_the_way_are_out_of_order() {
        let (ledger, mut records) = written(1_000);
        // Of one partition.
        records.swap(12, 17);
        let found = verify(ledger, &records);
        // 17 stands before 13 to 16 and 12.
        let expected = Findings {
            out_of_order: 5,
            ..clean(1_000)
        };
        assert_eq!(found, expected);
        assert!(!found.clean());
    }

    #[test]
    fn partitions_may_be_read_in_any_mixture() {
        let (ledger, mut records) = written(1_000);
        records.sort_by_key(|(partition, _)| *partition);
        assert_eq!(verify(ledger, &records), clean(1_000));
    }

    #[test]
    fn a_record_changed_on_the_way_is_corrupted_and_its_event_lost() {
        // In the body, and in the number itself.
        for byte in [200, 30] {
            let (ledger, mut records) = written(1_000);
            records[17].1[byte] ^= 1;
            let found = verify(ledger, &records);
            let expected = Findings {
                read_back: 999,
                lost: 1,
                corrupted: 1,
                ..clean(1_000)
            };
            assert_eq!(found, expected, "byte {byte}");
            assert!(!found.clean());
        }
    }

    #[test]
    fn failed_events_are_told_by_what_was_known_and_by_what_is_there() {
        let (mut ledger, records) = written(10);
        ledger.settle(3, Fate::NotWritten);
        ledger.settle(4, Fate::PossiblyWritten);
        ledger.settle(5, Fate::PossiblyWritten);
        let without_5: Vec<_> = [&records[..5], &records[6..]].concat();
        let found = verify(ledger, &without_5);
        let expected = Findings {
            acknowledged: 7,
            not_written: 1,
            possibly_written: 2,
            read_back: 7,
            not_written_but_there: 1,
            possibly_written_and_there: 1,
            ..Findings::default()
        };
        assert_eq!(found, expected);
        assert!(!found.clean(), "what was said not to be written is there");
    }

    #[test]
    fn records_of_others_and_of_the_warm_up_are_passed_over() {
        let (ledger, mut records) = written(10);
        records.push((0, b"{\"eventId\":\"somebody\"}".to_vec()));
        let mut verifier = Verifier::new(RUN, vec![ledger]);
        for (partition, record) in &records {
            verifier.read(*partition, read_envelope(record));
        }
        for (run, producer) in [(RunId(1), 0), (RUN, u16::MAX)] {
            let envelope = Sequenced {
                run,
                producer,
                sequence: 0,
            };
            verifier.read(0, Ok(envelope));
        }
        let expected = Findings {
            foreign: 3,
            ..clean(10)
        };
        assert_eq!(verifier.conclude(), expected);
    }

    #[test]
    fn an_event_that_was_never_sent_cannot_be_there() {
        let (ledger, mut records) = written(11);
        let mut shorter = Ledger::with_room_for(10);
        for sequence in 0..10 {
            shorter.settle(sequence, Fate::Acknowledged);
        }
        assert_eq!(verify(shorter, &records).never_sent, 1);
        records.truncate(0);
        assert_eq!(verify(ledger, &records).lost, 11);
    }

    #[test]
    fn each_producer_has_its_own_numbers() {
        let mut ledgers = vec![Ledger::default(), Ledger::default()];
        ledgers[0].settle(0, Fate::Acknowledged);
        ledgers[1].settle(0, Fate::Acknowledged);
        let mut verifier = Verifier::new(RUN, ledgers);
        for producer in [0, 1] {
            verifier.read(
                0,
                Ok(Sequenced {
                    run: RUN,
                    producer,
                    sequence: 0,
                }),
            );
        }
        assert_eq!(verifier.conclude(), clean(2));
    }

    #[test]
    fn the_ledger_takes_three_bits_an_event() {
        let events = 1_000_000;
        let mut ledger = Ledger::with_room_for(events);
        for sequence in 0..events {
            ledger.settle(sequence, Fate::Acknowledged);
            ledger.see(sequence);
        }
        let bits = 64 * (ledger.fates.len() + ledger.seen.len()) as u64;
        assert!(bits <= 3 * events + 128, "{bits}");
    }

    #[test]
    fn events_without_any_outcome_are_given_up_as_possibly_written() {
        let mut ledger = Ledger::with_room_for(0);
        ledger.settle(1, Fate::Acknowledged);
        ledger.give_up(3);
        assert_eq!(ledger.fate(0), Some(Fate::PossiblyWritten));
        assert_eq!(ledger.fate(1), Some(Fate::Acknowledged));
        assert_eq!(ledger.fate(2), Some(Fate::PossiblyWritten));
        assert_eq!(ledger.fate(3), None);
    }
}
