//! One write at a time to each topic, any number of topics at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::TopicName;

type Lock = Arc<tokio::sync::Mutex<()>>;

/// The locks of the topics that are being written to.
#[derive(Debug, Default, Clone)]
pub struct TopicLocks {
    by_name: Arc<Mutex<HashMap<TopicName, Lock>>>,
}

/// Holding it is the right to write to one topic.
#[derive(Debug)]
pub struct TopicLock {
    name: TopicName,
    locks: TopicLocks,
    held: Option<OwnedMutexGuard<()>>,
}

impl TopicLocks {
    /// Waits for the right to write to `name`; `None` when others held it for all of `patience`.
    pub async fn acquire(&self, name: &TopicName, patience: Duration) -> Option<TopicLock> {
        let lock = self.with_map(|map| map.entry(name.clone()).or_default().clone());
        let held = tokio::time::timeout(patience, lock.lock_owned()).await.ok();
        let granted = held.is_some();
        // Made in either case: dropping it forgets the name once nobody holds or awaits it.
        let lock = TopicLock {
            name: name.clone(),
            locks: self.clone(),
            held,
        };
        granted.then_some(lock)
    }

    fn with_map<T>(&self, use_it: impl FnOnce(&mut HashMap<TopicName, Lock>) -> T) -> T {
        // A panic while it is locked cannot leave a map half changed.
        use_it(&mut self.by_name.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for TopicLock {
    fn drop(&mut self) {
        self.held = None;
        self.locks.with_map(|map| {
            if map
                .get(&self.name)
                .is_some_and(|lock| Arc::strong_count(lock) == 1)
            {
                map.remove(&self.name);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_PATIENCE: Duration = Duration::ZERO;

    fn name(text: &str) -> TopicName {
        TopicName::parse(text).unwrap()
    }

    #[tokio::test]
    async fn one_topic_is_locked_once_and_another_beside_it() {
        let locks = TopicLocks::default();
        let first = locks.acquire(&name("a"), NO_PATIENCE).await;
        assert!(first.is_some());
        assert!(locks.acquire(&name("a"), NO_PATIENCE).await.is_none());
        assert!(locks.acquire(&name("b"), NO_PATIENCE).await.is_some());
        drop(first);
        assert!(locks.acquire(&name("a"), NO_PATIENCE).await.is_some());
    }

    #[tokio::test]
    async fn one_that_waits_gets_the_lock_when_it_is_let_go() {
        let locks = TopicLocks::default();
        let first = locks.acquire(&name("a"), NO_PATIENCE).await.unwrap();
        let waiting = tokio::spawn({
            let locks = locks.clone();
            async move {
                locks
                    .acquire(&name("a"), Duration::from_secs(10))
                    .await
                    .is_some()
            }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn a_name_is_forgotten_with_its_last_lock() {
        let locks = TopicLocks::default();
        let held = locks.acquire(&name("a"), NO_PATIENCE).await.unwrap();
        assert!(locks.acquire(&name("a"), NO_PATIENCE).await.is_none());
        assert_eq!(locks.with_map(|map| map.len()), 1);
        drop(held);
        assert_eq!(locks.with_map(|map| map.len()), 0);
    }
}
