//! The longest time for which a partition acknowledged nothing although something was due there.
//!
//! A partition to which nothing is sent is not waited for: the wait for an event begins when it
//! should have been sent, or with the acknowledgement before it, whichever is later. A failed event
//! does not end a wait; the next acknowledgement does.

/// The waits of one producer, by lane (a partition's place in [`Lanes`](crate::generator::Lanes)).
#[derive(Debug, Clone, Default)]
pub struct Gaps {
    lanes: Vec<Wait>,
    longest: Option<Gap>,
}

/// A time without an acknowledgement, on the run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The lane that acknowledged nothing.
    pub lane: u32,
    /// When it began.
    pub began_ns: u64,
    /// How long it lasted.
    pub duration_ns: u64,
}

#[derive(Debug, Clone, Default)]
struct Wait {
    /// The last acknowledgement; 0 before the first.
    acknowledged_ns: u64,
    /// When the first of the events that failed since then should have been sent.
    failing_since_ns: Option<u64>,
    /// Events acknowledged.
    acknowledged: u64,
}

impl Gaps {
    /// No wait yet on any of these lanes.
    pub fn of(lanes: usize) -> Self {
        Self {
            lanes: vec![Wait::default(); lanes],
            longest: None,
        }
    }

    /// An event was acknowledged.
    pub fn acknowledged(&mut self, lane: u32, intended_ns: u64, now_ns: u64) {
        let wait = &mut self.lanes[lane as usize];
        let due_ns = wait.failing_since_ns.take().unwrap_or(intended_ns);
        let began_ns = due_ns.min(intended_ns).max(wait.acknowledged_ns);
        wait.acknowledged_ns = now_ns;
        wait.acknowledged += 1;
        self.waited(lane, began_ns, now_ns);
    }

    /// An event failed.
    pub fn failed(&mut self, lane: u32, intended_ns: u64) {
        let wait = &mut self.lanes[lane as usize];
        let since = wait.failing_since_ns.unwrap_or(intended_ns);
        wait.failing_since_ns = Some(since.min(intended_ns));
    }

    /// The run is over: partitions that acknowledged nothing any more have waited until now.
    pub fn close(&mut self, now_ns: u64) {
        for lane in 0..self.lanes.len() {
            let wait = &self.lanes[lane];
            if let Some(failing_since_ns) = wait.failing_since_ns {
                let began_ns = failing_since_ns.max(wait.acknowledged_ns);
                self.waited(lane as u32, began_ns, now_ns);
            }
        }
    }

    /// With those of another producer on the same lanes: a wait is one producer's.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.lanes.iter_mut().zip(&other.lanes) {
            ours.acknowledged += theirs.acknowledged;
        }
        if let Some(gap) = other.longest {
            self.waited(gap.lane, gap.began_ns, gap.began_ns + gap.duration_ns);
        }
    }

    /// The longest wait so far.
    pub fn longest(&self) -> Option<Gap> {
        self.longest
    }

    /// Events acknowledged on a lane.
    pub fn acknowledged_on(&self, lane: usize) -> u64 {
        self.lanes.get(lane).map_or(0, |wait| wait.acknowledged)
    }

    fn waited(&mut self, lane: u32, began_ns: u64, now_ns: u64) {
        let duration_ns = now_ns.saturating_sub(began_ns);
        let longest = self.longest.map_or(0, |gap| gap.duration_ns);
        if duration_ns > longest {
            self.longest = Some(Gap {
                lane,
                began_ns,
                duration_ns,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(gaps: &Gaps) -> (u32, u64, u64) {
        let gap = gaps.longest().unwrap();
        (gap.lane, gap.began_ns, gap.duration_ns)
    }

    #[test]
    fn a_slow_pace_is_no_gap() {
        let mut gaps = Gaps::of(2);
        for second in 1..10 {
            // One event a second, each acknowledged after 5.
            gaps.acknowledged(0, second * 1_000, second * 1_000 + 5);
        }
        assert_eq!(longest(&gaps), (0, 1_000, 5));
    }

    #[test]
    fn a_partition_that_stalls_is_told_from_one_that_goes_on() {
        let mut gaps = Gaps::of(2);
        for time in 1..100 {
            gaps.acknowledged(0, time * 10, time * 10 + 5);
        }
        gaps.acknowledged(1, 10, 15);
        // Due at 20, 30 and so on; answered together at 800.
        for time in 2..70 {
            gaps.acknowledged(1, time * 10, 800);
        }
        assert_eq!(longest(&gaps), (1, 20, 780));
    }

    #[test]
    fn under_full_load_a_gap_lies_between_two_acknowledgements() {
        let mut gaps = Gaps::of(1);
        // All due at 0, answered one after the other.
        for now in [10, 20, 90, 100] {
            gaps.acknowledged(0, 0, now);
        }
        assert_eq!(longest(&gaps), (0, 20, 70));
    }

    #[test]
    fn events_that_fail_do_not_end_a_gap() {
        let mut gaps = Gaps::of(1);
        gaps.acknowledged(0, 10, 15);
        gaps.failed(0, 20);
        gaps.failed(0, 30);
        gaps.acknowledged(0, 400, 405);
        assert_eq!(longest(&gaps), (0, 20, 385));
    }

    #[test]
    fn the_longer_wait_of_two_producers_is_the_runs() {
        let (mut one, mut other) = (Gaps::of(2), Gaps::of(2));
        one.acknowledged(0, 10, 15);
        other.acknowledged(0, 10, 12);
        other.acknowledged(1, 10, 80);
        one.merge(&other);
        assert_eq!(longest(&one), (1, 10, 70));
        assert_eq!((one.acknowledged_on(0), one.acknowledged_on(1)), (2, 1));
    }

    #[test]
    fn a_partition_that_never_answers_again_has_waited_until_the_end() {
        let mut gaps = Gaps::of(1);
        gaps.acknowledged(0, 10, 15);
        gaps.failed(0, 20);
        gaps.close(500);
        assert_eq!(longest(&gaps), (0, 20, 480));
        assert_eq!(gaps.acknowledged_on(0), 1);
    }
}
