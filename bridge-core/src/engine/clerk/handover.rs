//! Handing a conversation over: the moves and the words that go with them. Whoever caused it, a bot or the bridge
//! itself, contact and agents are told the same way.

use super::{
    super::context::{is_said, line},
    Clerk,
};
use crate::{
    chain::rating_item,
    conversation::{Move, Phase, RatingAsked, ToldPosition, Waiting},
    message::{AgentName, Author, Content, DeadlineKind, Event, InboxName, MenuItem},
    routing::{Agent, Decision, ORDINARY, Request, Subject},
    store::{Entry, EntryAuthor, StoreError},
    texts::{Text, excerpt},
};

/// Pictures and the like that a new agent gets again beside the digest of the last messages.
const REPLAYED_MEDIA: usize = 3;

/// For a platform whose agents work in its own client.
pub(super) struct PlatformWord {
    pub(super) event: Event,
    /// Before what is said to the contact, or after it. While an agent has the conversation there, nothing we say reaches
    /// the contact: what announces a handing goes before it, and the good-bye after the release.
    pub(super) first: bool,
}

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
        match self.engine.desk.place(&request, self.now) {
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
    fn closed(&mut self, skill: Option<String>, note: Option<String>) {
        if matches!(self.changes.conversation.phase, Phase::Queued(_)) {
            return;
        }
        if self.agent.is_some() {
            return self.enqueue(skill, None, ORDINARY, note);
        }
        self.notice_contact(Text::OutOfHours, &[]);
        let alone = self.engine.parts.settings.entry.as_str() == "transfer";
        let moved = alone && self.make(Move::Enqueue(self.waiting(skill, None, ORDINARY)));
        if moved && let Some(note) = note {
            self.record(EntryAuthor::Note, Content::text(note));
        }
    }

    fn nobody(&mut self, skill: Option<String>) {
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

    /// Whether agents of an inbox work in the platform's own client.
    pub(super) fn native(&self, inbox: &InboxName) -> bool {
        self.desk.native.contains(inbox)
    }

    /// Whether an agent works in the platform's own client.
    fn works_natively(&self, name: Option<&AgentName>) -> Option<&Agent> {
        let agent = self.desk.agents.get(name?)?;
        self.native(&agent.inbox).then_some(agent)
    }

    /// What a platform whose agents work in its own client has to hear of this claim: the conversation became one's, or
    /// is theirs no more. What was done there needs no telling: by now it may be otherwise there, and would be undone.
    pub(super) fn word_to_platform(&self) -> Option<PlatformWord> {
        let conversation = &self.changes.conversation;
        let (before, episode) = &self.before;
        // Back with the same agent after all that was in between is a handing, too.
        if self.made_there || *episode == conversation.episode {
            return None;
        }
        let before = self.works_natively(before.as_ref());
        match self.works_natively(conversation.agent()) {
            Some(agent) => Some(PlatformWord {
                event: Event::Handed {
                    agent: agent.account.clone(),
                },
                first: before.is_some(),
            }),
            None => before.map(|_| PlatformWord {
                event: Event::Released,
                first: true,
            }),
        }
    }

    /// The card, and the last messages.
    async fn hand_files(
        &mut self,
        agent: &AgentName,
        note: Option<String>,
    ) -> Result<(), StoreError> {
        let parts = &self.engine.parts;
        let thread = self.changes.conversation.thread.clone();
        let mut note = note
            .map(|note| format!("\n备注：{note}"))
            .unwrap_or_default();
        let origin = &self.changes.conversation.origin;
        if !origin.is_empty() {
            let words = parts.texts.say(Text::DeskOrigin, &[("origin", origin)]);
            note = format!("\n{words}{note}");
        }
        let kin = self.others().await?;
        let contact = self.name_among(&kin);
        let number = self.changes.conversation.id.to_string();
        let values = [
            ("contact", contact.as_str()),
            ("number", number.as_str()),
            ("inbox", thread.inbox.as_str()),
            ("note", note.as_str()),
        ];
        let mut card = parts.texts.say(Text::DeskNew, &values);
        if !kin.is_empty() {
            let threads = self.threads(kin.iter());
            let words = parts.texts.say(Text::DeskKin, &[("threads", &threads)]);
            card.push_str(&format!("\n{words}"));
        }
        let lines = self.with_kin(self.last_lines().await?, &kin).await?;
        if !lines.is_empty() {
            let count = lines.len().to_string();
            card.push_str(&format!(
                "\n{}\n",
                parts.texts.say(Text::DeskContext, &[("count", &count)])
            ));
            card.push_str(
                &lines
                    .iter()
                    .map(|line| self.told(line))
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
            card.push_str(&format!("\n{}", parts.texts.say(Text::DeskContextEnd, &[])));
        }
        self.to_agent(agent, Content::text(card));
        let media = lines
            .iter()
            .map(|told| &told.line)
            .filter(|line| line.author == EntryAuthor::Contact && !line.content.media().is_empty());
        let media: Vec<Content> = media.map(|line| line.content.clone()).collect();
        for content in media
            .iter()
            .skip(media.len().saturating_sub(REPLAYED_MEDIA))
        {
            self.to_agent(agent, content.clone());
        }
        Ok(())
    }

    /// The last messages of this opening, those of this very claim with them.
    async fn last_lines(&self) -> Result<Vec<Entry>, StoreError> {
        let conversation = &self.changes.conversation;
        let limit = self.engine.parts.settings.context_messages;
        let mut lines = self.engine.context(conversation, limit).await?;
        let fresh = self.changes.entries.iter();
        lines.extend(fresh.map(|entry| line(entry, conversation.episode)));
        // The store does not know yet of a reopening in this very claim.
        let opened_at = conversation.opened_at;
        lines.retain(|line| line.at >= opened_at && is_said(&line.author, &line.content));
        let surplus = lines.len().saturating_sub(limit);
        lines.drain(..surplus);
        Ok(lines)
    }

    pub(super) fn digest(&self, line: &Entry) -> String {
        let who = match &line.author {
            EntryAuthor::Contact => self
                .contact
                .display_name(&self.changes.conversation.thread.peer),
            EntryAuthor::Agent(agent) => self
                .desk
                .agents
                .get(agent)
                .map_or_else(|| agent.to_string(), |agent| agent.display_name.clone()),
            EntryAuthor::Bot(bot) => bot.to_string(),
            EntryAuthor::System | EntryAuthor::Note => String::new(),
        };
        let said = line
            .content
            .words()
            .map_or_else(|| excerpt(&line.content), str::to_owned);
        format!("{who}：{said}")
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

    fn notice_agent_only(&mut self, text: Text) {
        if matches!(self.arrival.author, Author::Agent(_)) {
            self.notice_agent(text, &[]);
        }
    }

    /// Ends the conversation: the context is dropped, the seat is free, the contact may rate.
    pub(super) fn resolve(&mut self, rating: bool) {
        let previous = self.changes.conversation.agent().cloned();
        let episode = self.changes.conversation.episode;
        if !self.make(Move::Resolve) {
            self.notice_agent_only(Text::NotPossible);
            return;
        }
        self.changes.conversation.memory.clear();
        self.changes.deadlines.push((DeadlineKind::Queue, None));
        let Some(agent) = previous else { return };
        let by_contact = self.arrival.author == Author::Contact;
        let rated = rating
            && self.engine.parts.settings.rating
            && self.contact.reachable
            && !self.engine.parts.texts.silenced(Text::RatingHead);
        // A platform's own desk takes one last word of ours.
        let one_word = rated && self.works_natively(Some(&agent)).is_some();
        if self.arrival.author != Author::System && !one_word {
            self.notice_contact(Text::Closed, &[]);
        }
        let text = if by_contact {
            Text::DeskContactLeft
        } else {
            Text::DeskClosed
        };
        let words = self.engine.parts.texts.say(text, &[]);
        self.to_agent(&agent, Content::text(words));
        if rated {
            self.ask_rating(episode, agent);
        }
    }

    fn ask_rating(&mut self, episode: u32, agent: AgentName) {
        let texts = &self.engine.parts.texts;
        let choices = texts.say(Text::RatingChoices, &[]);
        let items = choices.split('|').zip((1..=5_u8).rev());
        let items = items.map(|(label, score)| MenuItem {
            id: rating_item(episode, score),
            label: label.to_owned(),
        });
        let menu = Content::Menu {
            head: texts.say(Text::RatingHead, &[]),
            items: items.collect(),
            tail: texts.say(Text::RatingTail, &[]),
        };
        self.changes.conversation.rating_asked = Some(RatingAsked {
            episode,
            agent: Some(agent),
            at: self.now,
        });
        self.tell_contact(menu, None);
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
