//! What was said and what became of it: transcripts, a message's whole way, and what platforms tell afterwards of
//! what they took.

use std::collections::BTreeMap;

use super::{
    Row, State,
    jobs::{Job, Outgoing},
};
use crate::{
    clock::Timestamp,
    message::{ArrivalId, ConversationId, DispatchId},
    store::{Confirmation, Entry, Trace, TraceArrival, TraceDispatch},
};

impl State {
    pub(super) fn recent(
        &self,
        id: ConversationId,
        limit: usize,
        this_opening: bool,
    ) -> Vec<Entry> {
        let known = self.conversations.get(&id).filter(|_| this_opening);
        let since = known.map(|(conversation, _)| conversation.opened_at);
        let ours = self.entries.iter().filter(|(of, _)| *of == id);
        let lines: Vec<Entry> = ours
            .map(|(_, line)| line)
            .filter(|line| since.is_none_or(|since| line.at >= since))
            .cloned()
            .collect();
        lines[lines.len().saturating_sub(limit)..].to_vec()
    }

    pub(super) fn trace(&self, id: ArrivalId) -> Option<Trace> {
        let row = self.arrivals.get(&id)?;
        let arrival = TraceArrival {
            id,
            conversation: row.conversation,
            decoded_at: row.arrival.decoded(),
            arrival: row.arrival.clone(),
            accepted_at: row.accepted_at,
            turned: row.turned.clone(),
        };
        let settled = self.sent.iter().filter(|(trace, _)| *trace == id);
        let settled = settled.map(|(_, line)| line.clone());
        let waiting = self.dispatches.iter();
        let waiting = waiting.filter(|(_, job)| job.what.new.trace == id);
        let waiting = waiting.map(|(id, job)| {
            let state = if job.held { "held" } else { "waiting" };
            line(*id, job, state, job.due_at)
        });
        let mut dispatches: Vec<TraceDispatch> = settled.chain(waiting).collect();
        dispatches.sort_by_key(|dispatch| dispatch.id);
        Some(Trace {
            arrival,
            dispatches,
        })
    }

    pub(super) fn sent(&self, id: ConversationId, external_id: &str) -> Option<DispatchId> {
        let mut sent = self.sent.iter().rev();
        let found = sent.find(|(trace, line)| {
            line.external_id.as_deref() == Some(external_id) && belongs(&self.arrivals, *trace, id)
        });
        found.map(|(_, line)| line.id)
    }

    pub(super) fn unsent(
        &mut self,
        id: ConversationId,
        external_id: &str,
        reason: &str,
    ) -> Option<TraceDispatch> {
        let mut sent = self.sent.iter_mut().rev();
        let (_, line) = sent.find(|(trace, line)| {
            line.external_id.as_deref() == Some(external_id) && belongs(&self.arrivals, *trace, id)
        })?;
        (line.state, line.reason) = ("dead".to_owned(), Some(reason.to_owned()));
        Some(line.clone())
    }

    pub(super) fn confirm(
        &mut self,
        id: ConversationId,
        what: &Confirmation,
        at: Timestamp,
    ) -> Vec<TraceDispatch> {
        // What was shown of a message is all of it or not yet enough. What is said of somebody's kin makes lines in
        // several conversations: only those of this one count.
        let ours = || self.entries.iter().filter(|(of, _)| *of == id);
        let reached = |trace: ArrivalId| {
            let lines = ours().map(|(_, line)| line);
            let mut lines = lines.filter(|line| line.trace == trace).peekable();
            lines.peek().is_some() && lines.all(|line| what.reaches(line.id))
        };
        let confirmed = self.sent.iter_mut().filter(|(trace, line)| {
            what.confirms(line) && belongs(&self.arrivals, *trace, id) && reached(*trace)
        });
        let now_confirmed = |(_, line): &mut (ArrivalId, TraceDispatch)| {
            line.confirmed_at = Some(at);
            line.clone()
        };
        confirmed.map(now_confirmed).collect()
    }
}

/// Whether an arrival is one of this conversation.
fn belongs(arrivals: &BTreeMap<ArrivalId, Row>, id: ArrivalId, to: ConversationId) -> bool {
    arrivals.get(&id).is_some_and(|row| row.conversation == to)
}

/// A dispatch as a trace tells it.
pub(super) fn line(id: i64, job: &Job<Outgoing>, state: &str, at: Timestamp) -> TraceDispatch {
    let Outgoing {
        created_at, new, ..
    } = &job.what;
    TraceDispatch {
        id: DispatchId(id),
        inbox: new.inbox.clone(),
        to: new.to.clone(),
        content: new.content.clone(),
        created_at: *created_at,
        at,
        state: state.to_owned(),
        attempts: job.attempts,
        reason: job.reason.clone(),
        external_id: None,
        lost: Vec::new(),
        confirmed_at: None,
    }
}
