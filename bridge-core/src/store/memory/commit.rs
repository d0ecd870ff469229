//! What a turn came to is written whole, under a claim that holds, or not at all.

use super::{
    State,
    jobs::{Job, Outgoing, Question, Reminder},
};
use crate::{
    clock::Timestamp,
    message::{
        AgentName, ArrivalId, ConversationId, DeadlineKind, DispatchId, EntryId, ErrandId,
        ThreadKey,
    },
    store::{
        Ask, Changes, Claim, Committed, Entry, NewDispatch, NewEntry, Said, StoreError, Tied,
        Verdict,
    },
};

impl State {
    pub(super) fn commit(
        &mut self,
        claim: &Claim,
        changes: Changes,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.allowed(claim, &changes)?;
        let mut committed = Committed::default();
        let Changes {
            conversation,
            contact,
            done,
            entries,
            dispatches,
            release,
            asks,
            cancel_errands,
            threads,
            deadlines,
            capacity: _,
            tie,
        } = changes;
        let (id, episode) = (claim.conversation.id, conversation.episode);
        self.release(&conversation.thread, release, now);
        self.finish(claim, done, now);
        if let Some(tied) = tie {
            self.tie(id, tied);
        }
        for new in entries {
            self.write_line(id, episode, new);
        }
        for new in dispatches {
            committed.dispatches.push(self.send(id, new, now));
        }
        if cancel_errands {
            committed.cancelled = self.cancel(id, now);
        }
        for ask in asks {
            self.ask(id, episode, ask);
        }
        self.threads
            .extend(threads.into_iter().map(|thread| (thread, id)));
        for (kind, at) in deadlines {
            self.remind(id, episode, kind, at);
        }
        if let Some(known) = self.conversations.get_mut(&id) {
            known.0 = conversation;
            known.1 = contact.unwrap_or_else(|| known.1.clone());
        }
        self.claims.remove(&id);
        committed.more = self.waiting(id).next().is_some();
        Ok(committed)
    }

    /// Whether it may be written: who lost the claim is told that first, whatever else is wrong.
    fn allowed(&self, claim: &Claim, changes: &Changes) -> Result<(), StoreError> {
        if !self.holds(claim) {
            return Err(StoreError::Lost);
        }
        if let Some((agent, seats)) = &changes.capacity
            && changes.conversation.agent() == Some(agent)
            && claim.conversation.agent() != Some(agent)
            && self.load(agent) >= *seats
        {
            return Err(StoreError::SeatTaken(agent.clone()));
        }
        if let Some(Tied { tie, seen, .. }) = &changes.tie {
            let concerned = self.people.concerned(claim.conversation.id, Some(tie));
            if !concerned.iter().eq(seen) {
                return Err(StoreError::Moved);
            }
        }
        Ok(())
    }

    /// How many conversations an agent has.
    fn load(&self, agent: &AgentName) -> u32 {
        let conversations = self.conversations.values();
        let theirs = conversations.filter(|(conversation, _)| conversation.agent() == Some(agent));
        u32::try_from(theirs.count()).unwrap_or(u32::MAX)
    }

    /// What is held for a contact, oldest first.
    pub(super) fn held_for(&self, contact: &ThreadKey) -> Vec<i64> {
        let held = |job: &Job<Outgoing>| {
            let new = &job.what.new;
            job.held && new.sender.is_none() && new.inbox == contact.inbox && new.to == contact.peer
        };
        let ours = self.dispatches.iter().filter(|(_, job)| held(job));
        ours.map(|(id, _)| *id).collect()
    }

    fn release(&mut self, contact: &ThreadKey, how_many: u32, now: Timestamp) {
        let held = self.held_for(contact).into_iter();
        for id in held.take(how_many as usize) {
            if let Some(job) = self.dispatches.get_mut(&id) {
                (job.held, job.due_at) = (false, now);
            }
        }
    }

    /// Notes what became of the arrivals the claim carries; of no others.
    fn finish(&mut self, claim: &Claim, done: Vec<(ArrivalId, Verdict)>, now: Timestamp) {
        for (arrival, verdict) in done {
            let carried = claim.arrivals.iter().any(|accepted| accepted.id == arrival);
            if carried && let Some(row) = self.arrivals.get_mut(&arrival) {
                row.turned = Some((now, verdict));
            }
        }
    }

    fn tie(&mut self, id: ConversationId, tied: Tied) {
        self.people.tie(id, &tied.tie);
        for noted in tied.notes {
            self.write_line(noted.conversation, noted.episode, noted.entry);
        }
    }

    fn write_line(&mut self, id: ConversationId, episode: u32, new: NewEntry) {
        let line = Entry {
            id: EntryId(self.next()),
            trace: new.trace,
            episode,
            author: new.author,
            content: new.content,
            at: new.at,
        };
        self.entries.push((id, line));
    }

    fn send(&mut self, id: ConversationId, new: NewDispatch, now: Timestamp) -> DispatchId {
        let number = self.next();
        let held = new.held;
        let outgoing = Outgoing {
            conversation: id,
            created_at: now,
            new,
        };
        let job = Job {
            held,
            ..Job::new(now, outgoing)
        };
        self.dispatches.insert(number, job);
        DispatchId(number)
    }

    /// Forgets a conversation's errands; those in work are to be told.
    fn cancel(&mut self, id: ConversationId, now: Timestamp) -> Vec<ErrandId> {
        let ours = self
            .errands
            .extract_if(.., |_, job| job.what.conversation == id);
        ours.filter(|(_, job)| job.in_work(now))
            .map(|(number, _)| ErrandId(number))
            .collect()
    }

    /// Asks, or adds the words to a question of the same kind that nobody ever took. One that was taken before may have
    /// been answered already, and its answer is accepted once.
    fn ask(&mut self, id: ConversationId, episode: u32, ask: Ask) {
        let same = |job: &&mut Job<Question>| {
            let Question {
                conversation,
                episode: asked_in,
                bot,
                argv,
                ..
            } = &job.what;
            job.attempts == 0
                && (*conversation, *asked_in, bot, argv) == (id, episode, &ask.bot, &ask.argv)
        };
        if let Some(job) = self.errands.values_mut().find(same) {
            Said::add(&mut job.what.said, ask.said);
            job.due_at = ask.due_at.min(job.what.latest).max(job.due_at);
            return;
        }
        let question = Question {
            conversation: id,
            episode,
            trace: ask.trace,
            bot: ask.bot,
            argv: ask.argv,
            said: ask.said,
            latest: ask.latest,
        };
        let number = self.next();
        self.errands.insert(number, Job::new(ask.due_at, question));
    }

    /// Sets the deadline of a kind anew, or unsets it. Whoever has the old one in hand settles nothing by it.
    fn remind(
        &mut self,
        id: ConversationId,
        episode: u32,
        kind: DeadlineKind,
        at: Option<Timestamp>,
    ) {
        self.deadlines.remove(&(id, kind));
        if let Some(at) = at {
            let reminder = Reminder {
                conversation: id,
                kind,
                episode,
            };
            self.deadlines.insert((id, kind), Job::new(at, reminder));
        }
    }
}
