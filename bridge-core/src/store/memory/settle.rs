//! What became of something due: told once, by whoever took it last.

use super::{
    State,
    jobs::{Job, Jobs},
    trace::line,
};
use crate::{
    bot::standing,
    clock::Timestamp,
    message::{Arrival, BotName, ConversationId},
    store::{DueId, DueKind, Intake, Settlement, StoreError, TraceDispatch},
};

/// What tells the conversation of it.
type Told = Option<Box<Arrival>>;

impl State {
    pub(super) fn settle(
        &mut self,
        due: &DueId,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let told = match due.kind {
            DueKind::Dispatch => self.settle_dispatch(due, settlement, now)?,
            DueKind::Errand => end_or_put_back(&mut self.errands, due.id, due.fence, settlement)?,
            DueKind::Deadline => {
                let kind = due.deadline.ok_or(StoreError::Lost)?;
                let key = (ConversationId(due.id), kind);
                end_or_put_back(&mut self.deadlines, key, due.fence, settlement)?
            }
        };
        if let Some(cue) = told {
            let intake = Intake {
                arrivals: vec![*cue],
                cursor: None,
                // Nobody is asked: the cue's thread leads to its conversation already.
                entry: BotName::new(standing::TRANSFER),
            };
            self.accept(intake, now);
        }
        Ok(())
    }

    /// A dispatch leaves a line behind, and may be held again.
    fn settle_dispatch(
        &mut self,
        due: &DueId,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Told, StoreError> {
        let job = taken(&mut self.dispatches, &due.id, due.fence)?;
        let (state, reason, external_id, lost, told) = match settlement {
            Settlement::Retry { at, reason, tried } => {
                job.put_back(at, false, reason);
                job.attempts -= u32::from(!tried);
                return Ok(None);
            }
            Settlement::Held { reason, cue } => {
                job.put_back(now, true, reason);
                return Ok(cue);
            }
            Settlement::Done { external_id, lost } => ("sent", None, external_id, lost, None),
            Settlement::Dead { reason, cue } => ("dead", Some(reason), None, Vec::new(), cue),
        };
        if let Some(job) = self.dispatches.remove(&due.id) {
            let line = TraceDispatch {
                reason,
                external_id,
                lost,
                ..line(due.id, &job, state, now)
            };
            self.sent.push((job.what.new.trace, line));
        }
        Ok(told)
    }
}

/// What somebody took under this fence, unless somebody else took it over.
fn taken<'a, K: Ord, T>(
    jobs: &'a mut Jobs<K, T>,
    key: &K,
    fence: u64,
) -> Result<&'a mut Job<T>, StoreError> {
    let job = jobs.get_mut(key).filter(|job| job.held_by(fence));
    job.ok_or(StoreError::Lost)
}

/// Errands and deadlines are tried again, or over.
fn end_or_put_back<K: Ord, T>(
    jobs: &mut Jobs<K, T>,
    key: K,
    fence: u64,
    settlement: Settlement,
) -> Result<Told, StoreError> {
    let job = taken(jobs, &key, fence)?;
    let told = match settlement {
        Settlement::Retry { at, reason, .. } => {
            job.put_back(at, false, reason);
            return Ok(None);
        }
        Settlement::Dead { cue, .. } | Settlement::Held { cue, .. } => cue,
        Settlement::Done { .. } => None,
    };
    jobs.remove(&key);
    Ok(told)
}
