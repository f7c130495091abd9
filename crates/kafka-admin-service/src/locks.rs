//! One write at a time to each topic, broker or group, any number of them at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

type Gate = Arc<tokio::sync::Mutex<()>>;

/// The locks of what is being written to, by its name. Clones share them.
#[derive(Debug)]
pub struct Locks<K: Eq + Hash + Clone> {
    by_name: Arc<Mutex<HashMap<K, Gate>>>,
}

/// Holding it is the right to write to one thing.
#[derive(Debug)]
pub struct Lock<K: Eq + Hash + Clone> {
    name: K,
    locks: Locks<K>,
    held: Option<OwnedMutexGuard<()>>,
}

impl<K: Eq + Hash + Clone> Default for Locks<K> {
    fn default() -> Self {
        Self {
            by_name: Arc::default(),
        }
    }
}

impl<K: Eq + Hash + Clone> Clone for Locks<K> {
    fn clone(&self) -> Self {
        Self {
            by_name: self.by_name.clone(),
        }
    }
}

impl<K: Eq + Hash + Clone> Locks<K> {
    /// Waits for the right to write to `name`; `None` when others held it for all of `patience`.
    pub async fn acquire(&self, name: &K, patience: Duration) -> Option<Lock<K>> {
        let gate = self.with_map(|map| map.entry(name.clone()).or_default().clone());
        let held = tokio::time::timeout(patience, gate.lock_owned()).await.ok();
        let granted = held.is_some();
        // Made in either case: dropping it forgets the name once nobody holds or awaits it.
        let lock = Lock {
            name: name.clone(),
            locks: self.clone(),
            held,
        };
        granted.then_some(lock)
    }

    fn with_map<T>(&self, use_it: impl FnOnce(&mut HashMap<K, Gate>) -> T) -> T {
        // A panic while it is locked cannot leave a map half changed.
        use_it(&mut self.by_name.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<K: Eq + Hash + Clone> Drop for Lock<K> {
    fn drop(&mut self) {
        self.held = None;
        self.locks.with_map(|map| {
            if map
                .get(&self.name)
                .is_some_and(|gate| Arc::strong_count(gate) == 1)
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

    #[tokio::test]
    async fn one_name_is_locked_once_and_another_beside_it() {
        let locks = Locks::default();
        let first = locks.acquire(&"a", NO_PATIENCE).await;
        assert!(first.is_some());
        assert!(locks.acquire(&"a", NO_PATIENCE).await.is_none());
        assert!(locks.acquire(&"b", NO_PATIENCE).await.is_some());
        drop(first);
        assert!(locks.acquire(&"a", NO_PATIENCE).await.is_some());
    }

    #[tokio::test]
    async fn one_that_waits_gets_the_lock_when_it_is_let_go() {
        let locks = Locks::default();
        let first = locks.acquire(&"a", NO_PATIENCE).await.unwrap();
        let waiting = tokio::spawn({
            let locks = locks.clone();
            async move {
                let patience = Duration::from_secs(10);
                locks.acquire(&"a", patience).await.is_some()
            }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn a_name_is_forgotten_with_its_last_lock() {
        let locks = Locks::default();
        let held = locks.acquire(&"a", NO_PATIENCE).await.unwrap();
        assert!(locks.acquire(&"a", NO_PATIENCE).await.is_none());
        assert_eq!(locks.with_map(|map| map.len()), 1);
        drop(held);
        assert_eq!(locks.with_map(|map| map.len()), 0);
    }
}
