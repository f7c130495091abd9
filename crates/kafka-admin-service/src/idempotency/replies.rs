//! What was answered to calls with a key: on disk where the service has a folder, until its restart
//! otherwise.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use service_kit::Journal;

/// Answers that are kept, and bytes of their bodies.
const MOST_KEPT: usize = 1_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// How long a key is remembered.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
const FILE: &str = "idempotency-keys.jsonl";

/// An answer, and the call that it was for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// The caller's key.
    pub key: String,
    /// The fingerprint of the call.
    pub call: String,
    /// When it was answered.
    #[serde(with = "service_kit::time::millis")]
    pub at: Timestamp,
    /// HTTP status.
    pub status: u16,
    /// Headers that go with the body: `Content-Type`, `Location`.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// The answers that are kept. Clones share them.
#[derive(Clone)]
pub struct Replies {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    journal: Option<Journal<Reply>>,
    /// Oldest first.
    kept: VecDeque<Reply>,
    bytes: usize,
    /// Keys of calls that are not answered yet.
    under_way: HashMap<String, String>,
}

/// What to do with a call.
pub enum Turn {
    /// It is the first of its key: carry it out.
    First(UnderWay),
    /// It was answered before.
    Again(Reply),
}

/// Why a call is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The key was used for another call.
    Reused,
    /// The first call of this key is not answered yet.
    UnderWay,
}

/// A call that is being carried out; its key is free again when this is dropped without an answer.
pub struct UnderWay {
    replies: Replies,
    key: String,
}

impl Replies {
    /// Reads what is kept in `folder`; without one nothing outlives the service.
    ///
    /// # Errors
    /// The file cannot be read or written, or another process has it.
    pub fn open(folder: Option<&Path>) -> anyhow::Result<Self> {
        let (journal, replies) = Journal::open_in(folder, FILE, MOST_KEPT)?;
        let mut inner = Inner {
            journal,
            kept: VecDeque::new(),
            bytes: 0,
            under_way: HashMap::new(),
        };
        replies.into_iter().for_each(|reply| inner.keep(reply));
        Ok(Self {
            inner: Arc::new(Mutex::new(inner)),
        })
    }

    /// Whose turn a call with `key` is; `call` is its fingerprint.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn turn(&self, key: &str, call: &str, now: Timestamp) -> Result<Turn, Refused> {
        self.with(|inner| {
            inner.forget(now);
            if let Some(under_way) = inner.under_way.get(key) {
                let same = under_way == call;
                return Err(if same {
                    Refused::UnderWay
                } else {
                    Refused::Reused
                });
            }
            match inner.kept.iter().rev().find(|reply| reply.key == key) {
                Some(reply) if reply.call == call => Ok(Turn::Again(reply.clone())),
                Some(_) => Err(Refused::Reused),
                None => {
                    inner.under_way.insert(key.to_owned(), call.to_owned());
                    Ok(Turn::First(UnderWay {
                        replies: self.clone(),
                        key: key.to_owned(),
                    }))
                }
            }
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl UnderWay {
    /// Keeps the answer. Blocks on the disk.
    pub fn answered(self, reply: Reply) {
        self.replies.with(|inner| {
            if let Some(journal) = &mut inner.journal
                && let Err(error) = journal.append(&reply)
            {
                let key = &reply.key;
                tracing::warn!(key, %error, "an answer will not outlive this service");
            }
            inner.keep(reply);
        });
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.replies.with(|inner| inner.under_way.remove(&self.key));
    }
}

impl Inner {
    fn keep(&mut self, reply: Reply) {
        self.bytes += reply.body.len();
        self.kept.push_back(reply);
        while self.kept.len() > MOST_KEPT || self.bytes > MOST_BYTES {
            self.drop_oldest();
        }
    }

    fn forget(&mut self, now: Timestamp) {
        while self
            .kept
            .front()
            .is_some_and(|reply| now - KEPT_FOR > reply.at)
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(gone) = self.kept.pop_front() {
            self.bytes -= gone.body.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(key: &str, at: Timestamp) -> Reply {
        Reply {
            key: key.to_owned(),
            call: "call".to_owned(),
            at,
            status: 201,
            headers: vec![("location".to_owned(), "/api/topics/a".to_owned())],
            body: "{}".to_owned(),
        }
    }

    fn first(replies: &Replies, key: &str) -> UnderWay {
        match replies.turn(key, "call", Timestamp::UNIX_EPOCH) {
            Ok(Turn::First(under_way)) => under_way,
            Ok(Turn::Again(reply)) => panic!("answered before: {reply:?}"),
            Err(refused) => panic!("{refused:?}"),
        }
    }

    fn refused(replies: &Replies, key: &str, call: &str) -> Option<Refused> {
        replies.turn(key, call, Timestamp::UNIX_EPOCH).err()
    }

    #[test]
    fn the_first_answer_is_given_again_and_another_call_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let replies = Replies::open(Some(folder.path())).unwrap();
        let under_way = first(&replies, "k");
        assert_eq!(refused(&replies, "k", "call"), Some(Refused::UnderWay));
        under_way.answered(reply("k", Timestamp::UNIX_EPOCH));
        assert_eq!(refused(&replies, "k", "another"), Some(Refused::Reused));
        drop(replies);
        // It outlives the service.
        let replies = Replies::open(Some(folder.path())).unwrap();
        let Ok(Turn::Again(again)) = replies.turn("k", "call", Timestamp::UNIX_EPOCH) else {
            panic!("it was answered");
        };
        assert_eq!(again, reply("k", Timestamp::UNIX_EPOCH));
        let later = Timestamp::UNIX_EPOCH + KEPT_FOR + SignedDuration::from_secs(1);
        assert!(matches!(
            replies.turn("k", "another", later),
            Ok(Turn::First(_))
        ));
    }

    #[test]
    fn a_key_without_an_answer_is_free_again() {
        let replies = Replies::open(None).unwrap();
        drop(first(&replies, "k"));
        drop(first(&replies, "k"));
    }

    #[test]
    fn the_oldest_answers_go_first() {
        let replies = Replies::open(None).unwrap();
        for number in 0..=MOST_KEPT {
            let key = number.to_string();
            first(&replies, &key).answered(reply(&key, Timestamp::UNIX_EPOCH));
        }
        drop(first(&replies, "0"));
        assert!(matches!(
            replies.turn("1", "call", Timestamp::UNIX_EPOCH),
            Ok(Turn::Again(_))
        ));
        let long = Reply {
            body: "x".repeat(MOST_BYTES + 1),
            ..reply("long", Timestamp::UNIX_EPOCH)
        };
        first(&replies, "long").answered(long);
        assert_eq!(
            replies.with(|inner| (inner.kept.len(), inner.bytes)),
            (0, 0)
        );
    }
}
