//! An agent takes a message back: what of it has not left yet is withdrawn, what has left cannot be. Contacts who read the
//! transcript itself see that it was taken back, whenever that is.

use super::Clerk;
use crate::{
    error::Remedy,
    message::{Arrival, ArrivalId, Content},
    store::{EntryAuthor, Settlement, StoreError, TraceDispatch},
    texts::Text,
};

/// How many of the last lines are looked through: people take back what they have just said.
const LOOK_BACK: usize = 50;
/// Why a dispatch that was withdrawn counts as dead.
const WITHDRAWN: &str = "taken back by the agent before it left";

/// What became of a wish to take a message back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recalled {
    /// Nothing of it has reached the contact, nor will.
    Withdrawn,
    /// It goes out in one message with others, which are not taken back.
    Merged,
    /// It has left, or is leaving.
    Late,
}

/// Something an agent said in this very claim: the store does not know of it yet.
pub(super) struct Relayed {
    trace: ArrivalId,
    arrival: Arrival,
}

impl Clerk<'_> {
    /// Remembers that the arrival in hand is on its way to the contact.
    pub(super) fn note_relayed(&mut self) {
        self.relayed.push(Relayed {
            trace: self.trace,
            arrival: self.arrival.clone(),
        });
    }

    /// Answers the agent; what they said and the contact did not get is noted beside it.
    pub(super) async fn recall(&mut self, external_id: &str) -> Result<(), StoreError> {
        if self.is_read_here() {
            return self.take_off_the_page(external_id).await;
        }
        match self.withdraw(external_id).await? {
            Recalled::Withdrawn => {
                self.record(EntryAuthor::Note, Content::text(WITHDRAWN));
                self.notice_agent(Text::DeskRecalled, &[]);
            }
            Recalled::Merged => self.notice_agent(Text::DeskRecallMerged, &[]),
            Recalled::Late => self.notice_agent(Text::DeskRecallLate, &[]),
        }
        Ok(())
    }

    /// Whether the contact reads the transcript itself, on a page of ours.
    fn is_read_here(&self) -> bool {
        let inbox = &self.changes.conversation.thread.inbox;
        let channel = self.engine.parts.channels.get(inbox);
        channel.is_some_and(|channel| channel.live().is_some())
    }

    /// A line that takes back the lines of a message, by the number they carry.
    async fn take_off_the_page(&mut self, external_id: &str) -> Result<(), StoreError> {
        let Some(agent) = self.agent.clone() else {
            self.notice_agent(Text::DeskNotYours, &[]);
            return Ok(());
        };
        let said = self.caused_by(external_id).await?;
        let meant = |one: &&Relayed| self.is_meant(&one.arrival, external_id);
        let fresh = self.relayed.iter().filter(meant).map(|one| one.trace);
        let mut traces: Vec<ArrivalId> = said.iter().map(|one| one.trace).chain(fresh).collect();
        traces.dedup();
        let answer = match traces.is_empty() {
            true => Text::DeskRecallLate,
            false => Text::DeskRecalledShown,
        };
        for trace in traces {
            let content = Content::Recalled {
                external_id: trace.to_string(),
            };
            self.record(EntryAuthor::Agent(agent.clone()), content);
        }
        self.notice_agent(answer, &[]);
        Ok(())
    }

    async fn withdraw(&mut self, external_id: &str) -> Result<Recalled, StoreError> {
        let unsaid = self.unsay(external_id);
        let said = self.caused_by(external_id).await?;
        if said.is_empty() {
            return Ok(match unsaid {
                true => Recalled::Withdrawn,
                false => Recalled::Late,
            });
        }
        if said.iter().any(|one| !one.stands_alone()) {
            return Ok(Recalled::Merged);
        }
        let mut all = true;
        for dispatch in said.iter().flat_map(|one| &one.dispatches) {
            all &= self.withdraw_one(dispatch).await?;
        }
        Ok(match all {
            true => Recalled::Withdrawn,
            false => Recalled::Late,
        })
    }

    /// Takes it out of what this claim wants said; whether it was there.
    fn unsay(&mut self, external_id: &str) -> bool {
        let meant = |one: &&Relayed| self.is_meant(&one.arrival, external_id);
        let traces: Vec<ArrivalId> = self
            .relayed
            .iter()
            .filter(meant)
            .map(|one| one.trace)
            .collect();
        self.outbox.unsay(&traces)
    }

    /// A message of several elements came as several arrivals: its id, a `#` and a number.
    fn is_meant(&self, arrival: &Arrival, external_id: &str) -> bool {
        let rest = arrival.external_id.as_str().strip_prefix(external_id);
        let is_it = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#'));
        is_it && arrival.inbox == self.arrival.inbox && arrival.author == self.arrival.author
    }

    /// What an agent's message was, and what it has become on its way to the contact.
    async fn caused_by(&self, external_id: &str) -> Result<Vec<Caused>, StoreError> {
        let store = &self.engine.parts.store;
        let conversation = &self.changes.conversation;
        let lines = store.recent(conversation.id, LOOK_BACK, false).await?;
        let mut said: Vec<(ArrivalId, Content)> = lines
            .into_iter()
            .filter(|line| matches!(line.author, EntryAuthor::Agent(_)))
            .map(|line| (line.trace, line.content))
            .collect();
        said.dedup_by_key(|(trace, _)| *trace);
        let mut found = Vec::new();
        for (id, line) in said {
            let Some(trace) = store.trace(id).await? else {
                continue;
            };
            if self.is_meant(&trace.arrival.arrival, external_id) {
                let thread = &conversation.thread;
                let mut dispatches = trace.dispatches;
                dispatches.retain(|one| one.inbox == thread.inbox && one.to == thread.peer);
                found.push(Caused {
                    trace: id,
                    line,
                    dispatches,
                });
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

/// A line of an agent's and what it has become.
struct Caused {
    trace: ArrivalId,
    line: Content,
    dispatches: Vec<TraceDispatch>,
}

impl Caused {
    /// Whether its dispatches hold nothing but it. Where the allowance is short, neighbouring texts become one: of those the
    /// first has the dispatch, and the others have none.
    fn stands_alone(&self) -> bool {
        let of_it = |part: &Content| match (self.line.words(), part) {
            (Some(line), Content::Text(part)) => line.contains(part.text.trim()),
            _ => true,
        };
        !self.dispatches.is_empty() && self.dispatches.iter().all(|one| of_it(&one.content))
    }
}
