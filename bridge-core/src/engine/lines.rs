//! Between the conversations and the lanes of agents who have all contacts in one chat. A dispatch to such an agent is
//! not sent but accepted in the agent's lane, and one from that lane to a stand-in is accepted in the contact's
//! conversation. Both are dispatches first, so they are durable with the turn that decided them and keep their order; the
//! arrival's id is made of the dispatch's, so it is accepted once however often that is tried.

use std::{collections::BTreeMap, collections::BTreeSet, sync::Arc};

use super::Engine;
use crate::{
    bot::{Catalogue, standing},
    channel::{Channel, ChannelError, Dispatch, Persona, Receipt},
    conversation::Phase,
    error::Remedy,
    message::{Arrival, Author, BotName, Cue, ExternalId, InboxName, PeerId, What},
    store::StoreError,
    switchboard::Button,
    texts::{Text, Texts},
};

/// The inboxes whose agents have all contacts in one chat.
pub(super) fn one_chat(channels: &BTreeMap<InboxName, Arc<dyn Channel>>) -> BTreeSet<InboxName> {
    let one_chat = channels
        .iter()
        .filter(|(_, channel)| channel.capabilities().one_chat);
    one_chat.map(|(inbox, _)| inbox.clone()).collect()
}

/// What the card of a new contact offers: the commands that are configured.
pub(super) fn buttons(catalogue: &Catalogue, texts: &Texts) -> Vec<Button> {
    let all = [
        (1, standing::TRANSFER, Text::LinesButtonTransfer),
        (2, standing::ASSISTANT, Text::LinesButtonAssist),
        (3, standing::QUIT, Text::LinesButtonQuit),
    ];
    all.into_iter()
        .filter(|(_, bot, _)| catalogue.get(&BotName::new(bot)).is_some())
        .map(|(digit, bot, text)| Button {
            digit,
            label: texts.say(text, &[]),
            says: format!("#{bot}"),
        })
        .collect()
}

impl Engine {
    /// What is sent to nobody but passed on between lanes; `None`: it is to be sent.
    pub(super) async fn pass_on(
        &self,
        dispatch: &Dispatch,
        channel: &dyn Channel,
    ) -> Option<Result<Receipt, ChannelError>> {
        // What an agent's lane shows goes in the agent's own name.
        let sender = dispatch
            .sender
            .as_ref()
            .filter(|sender| sender.id != dispatch.to)?;
        if !channel.capabilities().one_chat {
            return None;
        }
        Some(
            self.pass(dispatch, sender)
                .await
                .map_err(|error| ChannelError::network(Remedy::retry_secs(1), error.to_string())),
        )
    }

    async fn pass(&self, dispatch: &Dispatch, sender: &Persona) -> Result<Receipt, StoreError> {
        let (author, what, kind) = match Persona::is_stand_in(dispatch.to.as_str()) {
            true => {
                let content = What::Content(dispatch.content.clone());
                (Author::Agent(sender.id.clone()), content, "said")
            }
            false => (Author::System, self.shown(dispatch, sender).await?, "shown"),
        };
        let key = format!("{}:{kind}:{}", dispatch.created_at.as_secs(), dispatch.id);
        let arrival = Arrival {
            inbox: dispatch.inbox.clone(),
            external_id: ExternalId::from(key),
            peer: dispatch.to.clone(),
            author,
            what,
            sent_at: dispatch.created_at,
            received_at: self.parts.clock.now(),
            decoded_at: None,
            trigger: None,
            profile: None,
        };
        let ids = self.accept(vec![arrival]).await?;
        let id = ids.into_iter().flatten().next();
        Ok(Receipt {
            external_id: id.map(|id| format!("arrival {id}")),
            lost: Vec::new(),
        })
    }

    async fn shown(&self, dispatch: &Dispatch, from: &Persona) -> Result<What, StoreError> {
        let found = self.parts.store.conversation(dispatch.conversation).await?;
        let seated = found.is_some_and(|(conversation, _)| match conversation.phase {
            Phase::Assigned { agent, .. } => {
                self.account_of(&dispatch.inbox, &agent) == Some(&dispatch.to)
            }
            _ => false,
        });
        Ok(What::Cue(Cue::Show {
            from: from.clone(),
            conversation: dispatch.conversation,
            seated,
            content: Box::new(dispatch.content.clone()),
        }))
    }

    fn account_of(&self, inbox: &InboxName, agent: &crate::message::AgentName) -> Option<&PeerId> {
        let agent = self.parts.agents.get(agent)?;
        (agent.inbox == *inbox).then_some(&agent.account)
    }

    /// Who writes to an inbox where agents have all contacts in one chat speaks as the agent they are. Such platforms take
    /// an account's name in any case.
    pub(super) fn name_agents(&self, arrivals: &mut [Arrival]) {
        for arrival in arrivals
            .iter_mut()
            .filter(|arrival| arrival.author == Author::Contact)
        {
            let channel = self.parts.channels.get(&arrival.inbox);
            if !channel.is_some_and(|channel| channel.capabilities().one_chat) {
                continue;
            }
            let writer = arrival.peer.as_str();
            let agent = self.parts.agents.values().find(|agent| {
                agent.inbox == arrival.inbox && agent.account.as_str().eq_ignore_ascii_case(writer)
            });
            if let Some(agent) = agent {
                arrival.author = Author::Agent(agent.account.clone());
                arrival.peer = agent.account.clone();
                (arrival.trigger, arrival.profile) = (None, None);
            }
        }
    }
}
