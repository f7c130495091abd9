//! A place for each record in flight, found again by the token that comes back with its outcome.
//!
//! Memory is bounded by what may be in flight, not by the length of a run: a place is used again as
//! soon as its record has an outcome.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// What is remembered of a record until its outcome is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// Its number among those of its producer.
    pub sequence: u64,
    /// When it should have been sent, in nanoseconds of the run's clock.
    pub intended_ns: u64,
    /// When it was handed to the producer.
    pub sent_ns: u64,
    /// Which of the run's partitions it went to, as an index.
    pub lane: u32,
}

/// The places. One thread takes them; any thread gives them back.
///
/// The numbers are relaxed atomics: the hand-over from the sending to the reporting thread goes
/// through librdkafka's queue locks, which order them.
#[derive(Debug)]
pub struct Slots {
    places: Box<[Place]>,
    given_back: Mutex<Vec<u32>>,
}

#[derive(Debug, Default)]
struct Place {
    sequence: AtomicU64,
    intended_ns: AtomicU64,
    sent_ns: AtomicU64,
    lane: AtomicU32,
}

/// The taking thread's own stock of free places, so that the shared list is locked once per many.
#[derive(Debug, Default)]
pub struct FreeSlots(Vec<u32>);

impl Slots {
    /// Room for `capacity` records in flight (32 bytes each).
    pub fn new(capacity: u32) -> Self {
        Self {
            places: (0..capacity).map(|_| Default::default()).collect(),
            given_back: Mutex::new((0..capacity).rev().collect()),
        }
    }

    /// Takes a place for `record`; its number is the token to send with. `None` while all are taken.
    pub fn take(&self, free: &mut FreeSlots, record: InFlight) -> Option<usize> {
        if free.0.is_empty() {
            let mut given_back = self
                .given_back
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut free.0, &mut given_back);
        }
        let token = free.0.pop()? as usize;
        let place = &self.places[token];
        place.sequence.store(record.sequence, Relaxed);
        place.intended_ns.store(record.intended_ns, Relaxed);
        place.sent_ns.store(record.sent_ns, Relaxed);
        place.lane.store(record.lane, Relaxed);
        Some(token)
    }

    /// Reads the place of `token` and gives it back; to be called once for each that was taken.
    pub fn give_back(&self, token: usize) -> InFlight {
        let place = &self.places[token];
        let record = InFlight {
            sequence: place.sequence.load(Relaxed),
            intended_ns: place.intended_ns.load(Relaxed),
            sent_ns: place.sent_ns.load(Relaxed),
            lane: place.lane.load(Relaxed),
        };
        self.given_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(token as u32);
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence: u64) -> InFlight {
        InFlight {
            sequence,
            intended_ns: sequence * 10,
            sent_ns: sequence * 10 + 1,
            lane: 3,
        }
    }

    #[test]
    fn a_token_finds_its_record_again() {
        let (slots, mut free) = (Slots::new(2), FreeSlots::default());
        let first = slots.take(&mut free, record(1)).unwrap();
        let second = slots.take(&mut free, record(2)).unwrap();
        assert_eq!(slots.give_back(second), record(2));
        assert_eq!(slots.give_back(first), record(1));
    }

    #[test]
    fn no_more_are_taken_than_there_is_room_for() {
        let (slots, mut free) = (Slots::new(2), FreeSlots::default());
        let first = slots.take(&mut free, record(1)).unwrap();
        slots.take(&mut free, record(2)).unwrap();
        assert_eq!(slots.take(&mut free, record(3)), None);
        slots.give_back(first);
        assert_eq!(slots.take(&mut free, record(3)), Some(first));
    }

    #[test]
    fn a_long_run_needs_no_more_room_than_is_in_flight() {
        let (slots, mut free) = (Slots::new(100), FreeSlots::default());
        for number in 0..10_000 {
            let token = slots.take(&mut free, record(number)).unwrap();
            assert!(token < 100);
            assert_eq!(slots.give_back(token), record(number));
        }
    }

    #[test]
    fn two_threads_never_hold_the_same_place() {
        let slots = Slots::new(64);
        let (sender, receiver) = std::sync::mpsc::channel::<(usize, u64)>();
        std::thread::scope(|scope| {
            let shared = &slots;
            scope.spawn(move || {
                for (token, number) in receiver {
                    assert_eq!(shared.give_back(token), record(number));
                }
            });
            let mut free = FreeSlots::default();
            for number in 0..100_000 {
                let token = loop {
                    match slots.take(&mut free, record(number)) {
                        Some(token) => break token,
                        None => std::thread::yield_now(),
                    }
                };
                sender.send((token, number)).unwrap();
            }
            drop(sender);
        });
    }
}
