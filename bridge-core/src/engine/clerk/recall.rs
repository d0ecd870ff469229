//! An agent takes a message back: what of it has not left yet is withdrawn, what has left cannot be.

use super::Clerk;
use crate::{
    error::Remedy,
    message::{ArrivalId, Content},
    store::{EntryAuthor, Settlement, StoreError, TraceDispatch},
    texts::Text,
};

/// How many of the last lines are looked through: people take back what they have just said.
const LOOK_BACK: usize = 50;
/// Why a dispatch that was withdrawn counts as dead.
const WITHDRAWN: &str = "taken back by the agent before it left";

impl Clerk<'_> {
    /// Answers the agent; what they said and the contact did not get is noted beside it.
    pub(super) async fn recall(&mut self, external_id: &str) -> Result<(), StoreError> {
        if self.withdraw(external_id).await? {
            self.record(EntryAuthor::Note, Content::text(WITHDRAWN));
            self.notice_agent(Text::DeskRecalled, &[]);
        } else {
            self.notice_agent(Text::DeskRecallLate, &[]);
        }
        Ok(())
    }

    /// Whether nothing of the message has reached the contact, nor will.
    async fn withdraw(&mut self, external_id: &str) -> Result<bool, StoreError> {
        let dispatches = self.caused_by(external_id).await?;
        let mut all = !dispatches.is_empty();
        for dispatch in dispatches {
            all &= self.withdraw_one(&dispatch).await?;
        }
        Ok(all)
    }

    /// What an agent's message has become on its way to the contact. A message of several elements came as several
    /// arrivals: its id, a `#` and a number.
    async fn caused_by(&self, external_id: &str) -> Result<Vec<TraceDispatch>, StoreError> {
        let store = &self.engine.parts.store;
        let conversation = &self.changes.conversation;
        let lines = store.recent(conversation.id, LOOK_BACK, false).await?;
        let mut traces: Vec<ArrivalId> = lines
            .iter()
            .filter(|line| matches!(line.author, EntryAuthor::Agent(_)))
            .map(|line| line.trace)
            .collect();
        traces.dedup();
        let mut found = Vec::new();
        for trace in traces {
            let Some(trace) = store.trace(trace).await? else {
                continue;
            };
            let arrival = &trace.arrival.arrival;
            let rest = arrival.external_id.as_str().strip_prefix(external_id);
            let is_it = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#'));
            if is_it && arrival.inbox == self.arrival.inbox && arrival.author == self.arrival.author
            {
                let thread = &conversation.thread;
                let to_contact = trace
                    .dispatches
                    .into_iter()
                    .filter(|one| one.inbox == thread.inbox && one.to == thread.peer);
                found.extend(to_contact);
            }
        }
        Ok(found)
    }

    /// Withdraws a dispatch, unless it is being sent or was. A turn that is made again finds it withdrawn.
    async fn withdraw_one(&mut self, dispatch: &TraceDispatch) -> Result<bool, StoreError> {
        let (store, settings) = (&self.engine.parts.store, &self.engine.parts.settings);
        match dispatch.state.as_str() {
            "waiting" | "held" => {}
            "dead" => return Ok(dispatch.reason.as_deref() == Some(WITHDRAWN)),
            _ => return Ok(false),
        }
        let worker = &self.engine.worker;
        let Some(due) = store.take(dispatch.id, worker, settings.lease).await? else {
            return Ok(false);
        };
        let unsent = Settlement::Dead {
            reason: WITHDRAWN.to_owned(),
            cue: None,
        };
        match store.settle(&due, unsent).await {
            Ok(()) => {}
            Err(error) if error.remedy() == Remedy::Never => return Ok(false),
            Err(error) => return Err(error),
        }
        if dispatch.state == "held" {
            self.held = self.held.saturating_sub(1);
        }
        // Those behind it may go.
        self.engine.notify(crate::broker::Notice::Dispatches);
        Ok(true)
    }
}
