//! What is old enough is forgotten; what waits is not, however old.

use super::State;
use crate::clock::Timestamp;

impl State {
    pub(super) fn sweep(&mut self, before: Timestamp, seen_before: Timestamp) -> u64 {
        let had = self.history();
        self.arrivals.retain(|_, row| match &row.turned {
            Some((at, _)) => *at >= before,
            None => true,
        });
        self.entries.retain(|(_, line)| line.at >= before);
        self.sent.retain(|(_, line)| line.at >= before);
        self.seen.retain(|_, at| *at >= seen_before);
        (had - self.history()) as u64
    }

    /// How many rows there are of what is swept.
    fn history(&self) -> usize {
        self.arrivals.len() + self.entries.len() + self.sent.len() + self.seen.len()
    }
}
