//! What is old enough is forgotten; what waits is not, however old, but for what waits for a contact who never came back.

use super::{
    State,
    jobs::{Job, Outgoing, Waits},
};
use crate::clock::Timestamp;

impl State {
    pub(super) fn sweep(
        &mut self,
        before: Timestamp,
        seen_before: Timestamp,
        now: Timestamp,
    ) -> u64 {
        let had = self.history();
        self.arrivals.retain(|_, row| match &row.turned {
            Some((at, _)) => *at >= before,
            None => true,
        });
        self.entries.retain(|(_, line)| line.at >= before);
        self.sent.retain(|(_, line)| line.at >= before);
        self.seen.retain(|_, at| *at >= seen_before);
        for id in self.given_up(before, now) {
            self.dispatches.remove(&id);
        }
        (had - self.history()) as u64
    }

    /// How many rows there are of what is swept.
    fn history(&self) -> usize {
        let past = self.arrivals.len() + self.entries.len() + self.sent.len() + self.seen.len();
        past + self.dispatches.len()
    }

    /// What has been held since before then and is first of its lane, and what has waited behind it as long.
    fn given_up(&self, before: Timestamp, now: Timestamp) -> Vec<i64> {
        let waits = |job: &Job<Outgoing>| job.due_at < before && !job.in_work(now);
        let mut given_up = Vec::new();
        for (_, head) in super::jobs::heads(&self.dispatches) {
            if !head.held {
                continue;
            }
            let lane = self.dispatches.iter();
            let lane = lane.filter(|(_, job)| job.what.lane() == head.what.lane());
            let old = lane.take_while(|(_, job)| waits(job));
            given_up.extend(old.map(|(id, _)| *id));
        }
        given_up
    }
}
