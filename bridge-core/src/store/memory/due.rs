//! What is due is given to one worker, in the order of its lane.

use super::{
    State,
    jobs::{Job, Jobs, Outgoing, next_ripe, ripe},
};
use crate::{
    channel::Dispatch,
    clock::Timestamp,
    message::{ConversationId, DispatchId, ErrandId},
    store::{Due, DueId, DueKind, DueWhat, Errand},
};

impl State {
    /// Takes one thing of that kind.
    pub(super) fn take_next(
        &mut self,
        kind: DueKind,
        now: Timestamp,
        until: Timestamp,
        but: &[String],
    ) -> Option<Due> {
        match kind {
            DueKind::Dispatch => self.take_dispatch(now, until, but),
            DueKind::Errand => self.take_errand(now, until, but),
            DueKind::Deadline => self.take_deadline(now, until, but),
        }
    }

    pub(super) fn next_due(&self, kind: DueKind, but: &[String]) -> Option<Timestamp> {
        match kind {
            DueKind::Dispatch => next_ripe(&self.dispatches, but),
            DueKind::Errand => next_ripe(&self.errands, but),
            DueKind::Deadline => next_ripe(&self.deadlines, but),
        }
    }

    /// Takes one dispatch wherever it stands in its lane. Nobody tries to send it: that is no attempt.
    pub(super) fn withdraw(
        &mut self,
        dispatch: DispatchId,
        now: Timestamp,
        until: Timestamp,
    ) -> Option<DueId> {
        let fence = self.raise();
        let job = self.dispatches.get_mut(&dispatch.0)?;
        if job.in_work(now) {
            return None;
        }
        job.taken = Some((fence, until));
        Some(due_id(DueKind::Dispatch, dispatch.0, fence))
    }

    /// Moves the end of a lease. Whether it still was that taking's.
    pub(super) fn renew(&mut self, due: &DueId, until: Timestamp) -> bool {
        match (due.kind, due.deadline) {
            (DueKind::Dispatch, _) => renewed(&mut self.dispatches, due.id, due.fence, until),
            (DueKind::Errand, _) => renewed(&mut self.errands, due.id, due.fence, until),
            (DueKind::Deadline, None) => false,
            (DueKind::Deadline, Some(kind)) => {
                let key = (ConversationId(due.id), kind);
                renewed(&mut self.deadlines, key, due.fence, until)
            }
        }
    }

    /// Nothing is leased or, but for deadlines, put off beyond `farthest`. Whether anything was.
    pub(super) fn recall(&mut self, now: Timestamp, farthest: Timestamp) -> bool {
        let mut recalled = false;
        let mut recall = |time: &mut Timestamp| {
            if *time > farthest {
                (*time, recalled) = (now, true);
            }
        };
        for held in self.claims.values_mut() {
            recall(&mut held.until);
        }
        for job in self.dispatches.values_mut().filter(|job| !job.held) {
            recall(&mut job.due_at);
        }
        for job in self.errands.values_mut() {
            recall(&mut job.due_at);
        }
        let leases = self.dispatches.values_mut().filter_map(Job::lease);
        leases.for_each(&mut recall);
        let leases = self.errands.values_mut().filter_map(Job::lease);
        leases.for_each(&mut recall);
        let leases = self.deadlines.values_mut().filter_map(Job::lease);
        leases.for_each(&mut recall);
        recalled
    }

    fn take_dispatch(&mut self, now: Timestamp, until: Timestamp, but: &[String]) -> Option<Due> {
        let id = ripe(&self.dispatches, now, but)?;
        let fence = self.raise();
        let job = self.dispatches.get_mut(&id)?;
        job.take(fence, until);
        Some(Due {
            id: due_id(DueKind::Dispatch, id, fence),
            what: DueWhat::Dispatch(Box::new(dispatch(id, job))),
        })
    }

    fn take_errand(&mut self, now: Timestamp, until: Timestamp, but: &[String]) -> Option<Due> {
        let id = ripe(&self.errands, now, but)?;
        let fence = self.raise();
        let job = self.errands.get_mut(&id)?;
        job.take(fence, until);
        let asked = job.what.clone();
        let (conversation, contact) = self.conversations.get(&asked.conversation)?.clone();
        let errand = Errand {
            id: ErrandId(id),
            trace: asked.trace,
            conversation,
            contact,
            episode: asked.episode,
            bot: asked.bot,
            argv: asked.argv,
            said: asked.said,
            attempt: job.attempts,
        };
        Some(Due {
            id: due_id(DueKind::Errand, id, fence),
            what: DueWhat::Errand(Box::new(errand)),
        })
    }

    fn take_deadline(&mut self, now: Timestamp, until: Timestamp, but: &[String]) -> Option<Due> {
        let key @ (conversation, kind) = ripe(&self.deadlines, now, but)?;
        let fence = self.raise();
        let job = self.deadlines.get_mut(&key)?;
        job.take(fence, until);
        let thread = self.conversations.get(&conversation)?.0.thread.clone();
        Some(Due {
            id: DueId {
                deadline: Some(kind),
                ..due_id(DueKind::Deadline, conversation.0, fence)
            },
            what: DueWhat::Deadline {
                conversation,
                thread,
                kind,
                episode: job.what.episode,
                at: job.due_at,
            },
        })
    }
}

fn renewed<K: Ord, T>(jobs: &mut Jobs<K, T>, key: K, fence: u64, until: Timestamp) -> bool {
    let job = jobs.get_mut(&key).filter(|job| job.held_by(fence));
    job.map(|job| job.taken = Some((fence, until))).is_some()
}

fn due_id(kind: DueKind, id: i64, fence: u64) -> DueId {
    DueId {
        kind,
        id,
        deadline: None,
        fence,
    }
}

fn dispatch(id: i64, job: &Job<Outgoing>) -> Dispatch {
    let Outgoing {
        conversation,
        created_at,
        new,
    } = &job.what;
    Dispatch {
        id: DispatchId(id),
        trace: new.trace,
        conversation: *conversation,
        inbox: new.inbox.clone(),
        to: new.to.clone(),
        sender: new.sender.clone(),
        content: new.content.clone(),
        attempt: job.attempts,
        created_at: *created_at,
    }
}
