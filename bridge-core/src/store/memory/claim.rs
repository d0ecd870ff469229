//! One worker has a conversation, until its claim is committed or let go, or the lease is over.

use super::{Held, Row, State};
use crate::{
    clock::Timestamp,
    message::{ArrivalId, ConversationId},
    store::{Accepted, CLAIM_LIMIT, Claim, StoreError},
};

impl State {
    pub(super) fn claim(&mut self, now: Timestamp, until: Timestamp) -> Option<Claim> {
        self.fail_what_is_over(now);
        let id = self.claimable()?;
        let fence = self.raise();
        let (conversation, contact) = self.conversations.get(&id).cloned()?;
        let accepted = |(id, row): (&ArrivalId, &Row)| Accepted {
            id: *id,
            failures: row.failures,
            arrival: row.arrival.clone(),
        };
        let arrivals: Vec<Accepted> = self.waiting(id).take(CLAIM_LIMIT).map(accepted).collect();
        let held = Held {
            fence,
            until,
            carried: arrivals.iter().map(|accepted| accepted.id).collect(),
        };
        self.claims.insert(id, held);
        let held = self.held_for(&conversation.thread).len();
        Some(Claim {
            fence,
            conversation,
            contact,
            arrivals,
            held: u32::try_from(held).unwrap_or(u32::MAX),
            alone: self.people.concerned(id, None).len() <= 1,
        })
    }

    pub(super) fn abandon(&mut self, claim: &Claim) -> Result<(), StoreError> {
        if !self.holds(claim) {
            for arrival in &claim.arrivals {
                if let Some(row) = self.arrivals.get_mut(&arrival.id) {
                    row.failures = row.failures.saturating_sub(1);
                }
            }
            return Err(StoreError::Lost);
        }
        self.claims.remove(&claim.conversation.id);
        Ok(())
    }

    /// Whether the claim is the last one of its conversation, and was not committed or let go.
    pub(super) fn holds(&self, claim: &Claim) -> bool {
        let held = self.claims.get(&claim.conversation.id);
        held.is_some_and(|held| held.fence == claim.fence)
    }

    /// The conversation whose oldest waiting arrival is the oldest, and that nobody has.
    fn claimable(&self) -> Option<ConversationId> {
        let waiting = self.arrivals.values().filter(|row| row.turned.is_none());
        waiting
            .map(|row| row.conversation)
            .find(|id| !self.claims.contains_key(id))
    }

    fn fail_what_is_over(&mut self, now: Timestamp) {
        let over = self.claims.iter().filter(|(_, held)| held.until <= now);
        let over: Vec<_> = over.map(|(id, _)| *id).collect();
        over.into_iter().for_each(|id| self.fail(id));
    }

    /// A claim ended without a commit.
    fn fail(&mut self, id: ConversationId) {
        let carried = self.claims.remove(&id).map(|held| held.carried);
        for arrival in carried.unwrap_or_default() {
            if let Some(row) = self.arrivals.get_mut(&arrival) {
                row.failures += 1;
            }
        }
    }
}
