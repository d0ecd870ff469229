//! The card a new agent gets: who the contact is, and what was said last.

use super::{
    super::context::{is_said, line},
    Clerk,
};
use crate::{
    message::{AgentName, Content},
    store::{Entry, EntryAuthor, StoreError},
    texts::{Text, excerpt},
};

/// Pictures and the like that a new agent gets again beside the digest of the last messages.
const REPLAYED_MEDIA: usize = 3;

impl Clerk<'_> {
    /// The card, and the last messages.
    pub(super) async fn hand_files(
        &mut self,
        agent: &AgentName,
        note: Option<String>,
    ) -> Result<(), StoreError> {
        let parts = &self.engine.parts;
        let thread = self.changes.conversation.thread.clone();
        let mut note = note
            .map(|note| format!("\n{}{note}", self.locale().pick("备注：", "Note: ")))
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
                .display_name(&self.changes.conversation.thread.peer, self.locale()),
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
            .map_or_else(|| excerpt(&line.content, self.locale()), str::to_owned);
        format!("{who}{}{said}", self.locale().pick("：", ": "))
    }
}
