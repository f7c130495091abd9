//! The live counters of a run: written by its threads, read by `GET /api/loadtest/stats`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use super::timeline::Timeline;

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Connecting and fetching metadata.
    Connecting,
    /// Sending what is not measured.
    WarmingUp,
    /// Sending what is measured.
    Sending,
    /// All sent; the last acknowledgements are awaited.
    Draining,
    /// Reading back what was acknowledged.
    Verifying,
}

const PHASES: [Phase; 5] = [
    Phase::Connecting,
    Phase::WarmingUp,
    Phase::Sending,
    Phase::Draining,
    Phase::Verifying,
];

/// Counters of one phase of sending.
#[derive(Debug, Default)]
pub struct Counts {
    /// Records handed to the producer, or refused by it.
    pub sent: AtomicU64,
    /// Records acknowledged.
    pub acknowledged: AtomicU64,
    /// Records that failed.
    pub failed: AtomicU64,
}

/// What `Counts` were at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountsSeen {
    /// Records handed to the producer, or refused by it.
    pub sent: u64,
    /// Records acknowledged.
    pub acknowledged: u64,
    /// Records that failed.
    pub failed: u64,
}

impl Counts {
    /// Reads all three; outcomes first, so that they never outnumber what was sent.
    pub fn see(&self) -> CountsSeen {
        let (acknowledged, failed) = (self.acknowledged.load(Relaxed), self.failed.load(Relaxed));
        CountsSeen {
            sent: self.sent.load(Relaxed).max(acknowledged + failed),
            acknowledged,
            failed,
        }
    }
}

impl std::ops::Add for CountsSeen {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            acknowledged: self.acknowledged + other.acknowledged,
            failed: self.failed + other.failed,
        }
    }
}

/// Phase and counters of a run in progress.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    /// The warm-up's records.
    pub warmup: Counts,
    /// The measured records.
    pub measured: Counts,
    /// How the measured phase goes, by the second; the present second is not in it yet.
    pub timeline: Mutex<Timeline>,
}

impl Progress {
    /// The present phase.
    pub fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Relaxed)) % PHASES.len()]
    }

    /// Enters a phase.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_that_was_entered_is_seen() {
        let progress = Progress::default();
        assert_eq!(progress.phase(), Phase::Connecting);
        for phase in PHASES {
            progress.enter(phase);
            assert_eq!(progress.phase(), phase);
        }
    }
}
