//! Handing a conversation over: the moves and the words that go with them. Whoever caused it, a bot or the bridge
//! itself, contact and agents are told the same way.

use super::Clerk;
use crate::{
    bot::standing,
    conversation::{Move, Phase, ToldPosition, Waiting},
    message::{AgentName, Author, Content},
    routing::{Decision, ORDINARY, Request, Subject},
    store::{EntryAuthor, StoreError},
    texts::Text,
};

impl Clerk<'_> {
    pub(super) fn reopen(&mut self) {
        if self.make(Move::Reopen) {
            self.changes.conversation.bot = self.engine.parts.settings.entry.clone();
        }
    }

    /// Finds an agent by the routing rules.
    pub(super) async fn route(
        &mut self,
        skill: Option<String>,
        note: Option<String>,
    ) -> Result<(), StoreError> {
        let conversation = &self.changes.conversation;
        // Who was meant may be gone: then anybody will do.
        let wanted = match &conversation.phase {
            Phase::Queued(waiting) => self.desk.still_possible(waiting).1,
            _ => None,
        };
        let request = Request {
            skill: skill.clone(),
            agent: wanted,
            dedicated: self.dedicated().await?,
            except: conversation.agent().cloned(),
            subject: Subject {
                contact: conversation.contact,
                conversation: conversation.id,
            },
            inbox: Some(conversation.thread.inbox.clone()),
        };
        let desk = &self.engine.desk;
        let placed = desk.place(&self.engine.parts, &request, self.now).await?;
        match placed {
            Decision::Assign(agent) => self.assign(&agent, note).await?,
            Decision::Wait => self.wait(skill, note),
            Decision::Closed => self.closed(skill, note),
            Decision::Nobody => self.nobody(skill),
        }
        Ok(())
    }

    fn wait(&mut self, skill: Option<String>, note: Option<String>) {
        if !matches!(self.changes.conversation.phase, Phase::Queued(_)) {
            self.enqueue(skill, None, ORDINARY, note);
        }
    }

    /// Outside working hours the contact is told so. Where a bot answers it goes on answering; where none does, the
    /// contact waits for the desk to open.
    pub(super) fn closed(&mut self, skill: Option<String>, note: Option<String>) {
        if matches!(self.changes.conversation.phase, Phase::Queued(_)) {
            return;
        }
        if self.agent.is_some() {
            return self.enqueue(skill, None, ORDINARY, note);
        }
        self.notice_contact(Text::OutOfHours, &[]);
        let alone = self.engine.parts.settings.entry.as_str() == standing::TRANSFER;
        let moved = alone && self.make(Move::Enqueue(self.waiting(skill, None, ORDINARY)));
        if moved && let Some(note) = note {
            self.record(EntryAuthor::Note, Content::text(note));
        }
    }

    pub(super) fn nobody(&mut self, skill: Option<String>) {
        match (skill, self.agent.is_some()) {
            (Some(skill), true) => self.notice_agent(Text::SkillUnknown, &[("skill", &skill)]),
            (_, true) => self.notice_agent(Text::NotPossible, &[]),
            (_, false) if matches!(self.changes.conversation.phase, Phase::Queued(_)) => {}
            (_, false) => self.notice_contact(Text::NobodyThere, &[]),
        }
    }

    fn waiting(&self, skill: Option<String>, agent: Option<AgentName>, priority: u8) -> Waiting {
        Waiting {
            since: self.now,
            priority: priority.min(10),
            skill,
            agent,
        }
    }

    /// Lets the contact wait.
    pub(super) fn enqueue(
        &mut self,
        skill: Option<String>,
        agent: Option<AgentName>,
        priority: u8,
        note: Option<String>,
    ) {
        let previous = self.changes.conversation.agent().cloned();
        if !self.make(Move::Enqueue(self.waiting(skill, agent, priority))) {
            return;
        }
        if let Some(note) = note {
            self.record(EntryAuthor::Note, Content::text(note));
        }
        let ahead = self.desk.waiting.len();
        let position = u32::try_from(ahead + 1).unwrap_or(u32::MAX);
        self.changes.conversation.told_position = Some(ToldPosition {
            position,
            at: self.now,
        });
        self.notice_contact(Text::Queued, &[("ahead", &ahead.to_string())]);
        if let Some(previous) = previous {
            let words = self.engine.parts.texts.say(Text::DeskQueued, &[]);
            self.to_agent(&previous, Content::text(words));
        }
    }

    /// Gives the conversation to an agent: the agent gets a card, the last messages and then the conversation; both
    /// agents and the contact are told.
    pub(super) async fn assign(
        &mut self,
        name: &AgentName,
        note: Option<String>,
    ) -> Result<(), StoreError> {
        let inbox = self.changes.conversation.thread.inbox.clone();
        let agent = self.desk.agents.get(name).cloned();
        let Some(agent) = agent.filter(|agent| self.desk.reaches(agent, &inbox)) else {
            self.notice_agent(Text::NotPossible, &[]);
            return Ok(());
        };
        let previous = self.changes.conversation.agent().cloned();
        if !self.make(Move::Assign(name.clone())) {
            return Ok(());
        }
        // Who took it in the platform's own client has it: that is no question of seats any more.
        let fact = self.made_there;
        self.changes.capacity = (!fact).then(|| (name.clone(), agent.capacity));
        if !self.native(&agent.inbox) {
            let stand_in = self.stand_in_at(&agent.inbox);
            self.changes.threads.push(stand_in);
        }
        self.engine.desk.assigned(name);
        if let Some(previous) = &previous {
            let words = self
                .engine
                .parts
                .texts
                .say(Text::DeskHandedOver, &[("agent", &agent.display_name)]);
            self.to_agent(previous, Content::text(words));
        }
        let text = if previous.is_some() {
            Text::Transferred
        } else {
            Text::Connected
        };
        // What happened there needs no words of ours, and would not take them.
        if !fact {
            self.notice_contact(text, &[("agent", &agent.display_name)]);
        }
        match (self.native(&agent.inbox), note) {
            (false, note) => self.hand_files(name, note).await?,
            // Their own client shows them what was said.
            (true, Some(note)) => self.record(EntryAuthor::Note, Content::text(note)),
            (true, None) => {}
        }
        Ok(())
    }

    /// Gives the conversation to the entry bot.
    pub(super) fn assist(&mut self) {
        let previous = self.changes.conversation.agent().cloned();
        if !self.make(Move::Assist) {
            self.notice_agent_only(Text::NotPossible);
            return;
        }
        self.changes.conversation.bot = self.engine.parts.settings.entry.clone();
        match previous {
            Some(previous) => {
                self.notice_contact(Text::BackToAssistant, &[]);
                let words = self.engine.parts.texts.say(Text::DeskAssisted, &[]);
                self.to_agent(&previous, Content::text(words));
            }
            None => self.notice_contact(Text::LeftQueue, &[]),
        }
    }

    pub(super) fn notice_agent_only(&mut self, text: Text) {
        if matches!(self.arrival.author, Author::Agent(_)) {
            self.notice_agent(text, &[]);
        }
    }

    /// Tells the contact where in the queue they are.
    pub(super) fn tell_position(&mut self) {
        let Some(position) = self.desk.position(self.changes.conversation.id) else {
            return;
        };
        self.changes.conversation.told_position = Some(ToldPosition {
            position,
            at: self.now,
        });
        let texts = &self.engine.parts.texts;
        let minutes = self
            .desk
            .estimate(position)
            .map(|seconds| seconds.div_ceil(60).max(1).to_string());
        let estimate =
            minutes.map(|minutes| texts.say(Text::QueueEstimate, &[("minutes", &minutes)]));
        let values = [
            ("position", position.to_string()),
            ("estimate", estimate.unwrap_or_default()),
        ];
        let values = [
            (values[0].0, values[0].1.as_str()),
            (values[1].0, values[1].1.as_str()),
        ];
        self.notice_contact(Text::QueuePosition, &values);
    }
}
