//! What went wrong in a run and when: lost connections, failed events, and when it went on.

/// Kinds of trouble that are kept apart; a broker that is gone makes a handful.
const KINDS_MAX: usize = 20;

/// What went wrong so far, as one producer saw it. Times are of the run's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Troubles {
    /// The first failed event or lost connection.
    pub first_error_ns: Option<u64>,
    /// The first acknowledgement after that.
    pub first_acknowledgement_after_ns: Option<u64>,
    /// What the client said, in order of first appearance.
    pub said: Vec<Trouble>,
}

/// One thing that the client said, however often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// When it was said first.
    pub first_ns: u64,
    /// And last.
    pub last_ns: u64,
    /// How often.
    pub count: u64,
    /// Kafka's or librdkafka's name of the error.
    pub name: String,
    /// librdkafka's words, without what differs each time.
    pub text: String,
}

impl Troubles {
    /// An event was acknowledged.
    pub fn acknowledged(&mut self, now_ns: u64) {
        if self.first_error_ns.is_some() && self.first_acknowledgement_after_ns.is_none() {
            self.first_acknowledgement_after_ns = Some(now_ns);
        }
    }

    /// An event failed, or a connection was lost.
    pub fn error(&mut self, now_ns: u64) {
        self.first_error_ns.get_or_insert(now_ns);
    }

    /// The client said something of its own.
    pub fn say(&mut self, now_ns: u64, name: &str, text: &str) {
        self.error(now_ns);
        let text = without_times(text);
        let same = |said: &&mut Trouble| said.name == name && said.text == text;
        if let Some(known) = self.said.iter_mut().find(same) {
            known.count += 1;
            known.last_ns = now_ns;
        } else if self.said.len() < KINDS_MAX {
            self.said.push(Trouble {
                first_ns: now_ns,
                last_ns: now_ns,
                count: 1,
                name: name.to_owned(),
                text: text.to_owned(),
            });
        }
    }

    /// Adds what another producer of the same run saw.
    pub fn merge(&mut self, other: Self) {
        let earlier = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.first_error_ns = earlier(self.first_error_ns, other.first_error_ns);
        self.first_acknowledgement_after_ns = earlier(
            self.first_acknowledgement_after_ns,
            other.first_acknowledgement_after_ns,
        );
        for theirs in other.said {
            let same = |ours: &&mut Trouble| ours.name == theirs.name && ours.text == theirs.text;
            if let Some(ours) = self.said.iter_mut().find(same) {
                ours.count += theirs.count;
                ours.first_ns = ours.first_ns.min(theirs.first_ns);
                ours.last_ns = ours.last_ns.max(theirs.last_ns);
            } else if self.said.len() < KINDS_MAX {
                self.said.push(theirs);
            }
        }
        self.said.sort_by_key(|said| said.first_ns);
    }
}

/// librdkafka ends its words with times: `... failed: Connection refused (after 0ms in state
/// CONNECT, 5 identical error(s) suppressed)`.
fn without_times(text: &str) -> &str {
    text.find(" (after ").map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str =
        "a:1/1: Connect to a:1 failed: Connection refused (after 0ms in state CONNECT)";

    #[test]
    fn what_is_said_again_is_counted() {
        let mut troubles = Troubles::default();
        troubles.say(10, "_TRANSPORT", REFUSED);
        troubles.say(30, "_TRANSPORT", &REFUSED.replace("0ms", "7ms"));
        troubles.say(40, "_ALL_BROKERS_DOWN", "3/3 brokers are down");
        assert_eq!(troubles.said.len(), 2);
        let first = &troubles.said[0];
        assert_eq!((first.first_ns, first.last_ns, first.count), (10, 30, 2));
        assert_eq!(
            first.text,
            "a:1/1: Connect to a:1 failed: Connection refused"
        );
    }

    #[test]
    fn the_first_acknowledgement_after_the_first_error_is_kept() {
        let mut troubles = Troubles::default();
        troubles.acknowledged(5);
        troubles.error(10);
        troubles.error(12);
        troubles.acknowledged(15);
        troubles.acknowledged(16);
        assert_eq!(troubles.first_error_ns, Some(10));
        assert_eq!(troubles.first_acknowledgement_after_ns, Some(15));
    }

    #[test]
    fn what_two_producers_saw_is_told_once_and_in_order() {
        let mut one = Troubles::default();
        one.say(20, "_TRANSPORT", REFUSED);
        let mut other = Troubles::default();
        other.say(10, "_TIMED_OUT", "b");
        other.say(15, "_TRANSPORT", REFUSED);
        one.merge(other);
        let told: Vec<_> = one
            .said
            .iter()
            .map(|said| (said.name.as_str(), said.first_ns, said.count))
            .collect();
        assert_eq!(told, [("_TIMED_OUT", 10, 1), ("_TRANSPORT", 15, 2)]);
        assert_eq!(one.first_error_ns, Some(10));
    }
}
