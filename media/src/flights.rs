//! Work that several may ask for at the same time and that is done once: the later ones wait for the first one's result.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

/// Work under way, by key. The work goes on while anybody waits for it, and is dropped with the last one.
pub struct Flights<T: Clone> {
    running: Mutex<HashMap<String, WeakShared<BoxFuture<'static, T>>>>,
}

impl<T: Clone> Default for Flights<T> {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// The result of the work under `key`: of what is under way, or else of `work`, started now.
    pub async fn join(&self, key: String, work: impl FnOnce() -> BoxFuture<'static, T>) -> T {
        self.board(key, work).await
    }

    fn board(
        &self,
        key: String,
        work: impl FnOnce() -> BoxFuture<'static, T>,
    ) -> Shared<BoxFuture<'static, T>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = running.get(&key).and_then(WeakShared::upgrade) {
            return flight;
        }
        running.retain(|_, flight| flight.upgrade().is_some());
        let flight = work().shared();
        if let Some(weak) = flight.downgrade() {
            running.insert(key, weak);
        }
        flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn those_who_ask_together_get_one_result_and_later_ones_a_new_one() {
        let (flights, runs) = (Flights::default(), Arc::new(AtomicU32::new(0)));
        let work = || {
            let runs = runs.clone();
            async move {
                tokio::task::yield_now().await;
                runs.fetch_add(1, Ordering::SeqCst)
            }
            .boxed()
        };
        let together = tokio::join!(
            flights.join("a".into(), work),
            flights.join("a".into(), work)
        );
        assert_eq!(together, (0, 0));
        assert_eq!(flights.join("b".into(), work).await, 1);
        assert_eq!(flights.join("a".into(), work).await, 2);
        assert!(
            flights.running.lock().unwrap().len() <= 1,
            "what is over is forgotten"
        );
    }
}
