//! What has come for the agent: chats, messages, and what was not heard yet.

use std::sync::atomic::Ordering;

use super::Client;
use crate::content::{Author, Message};
use crate::play::Silence;
use crate::tim::state::Chat;

/// A message an agent heard, and from whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The contact's stand-in.
    pub peer: String,
    /// The bubble.
    pub message: Message,
}

impl Heard {
    /// The words of a text message, or "".
    pub fn text(&self) -> &str {
        self.message.text()
    }
}

impl Client {
    /// The agent's chats, newest first.
    pub fn chats(&self) -> Vec<Chat> {
        let state = self.tim.0.state.lock();
        let account = state.accounts.get(&self.user_id);
        let peers = account.into_iter().flat_map(|account| account.chats.keys());
        let mut chats: Vec<Chat> = peers.filter_map(|p| state.chat(&self.user_id, p)).collect();
        chats.sort_by_key(|chat| std::cmp::Reverse(chat.at));
        chats
    }

    /// One chat.
    pub fn chat(&self, peer: &str) -> Option<Chat> {
        self.tim.0.state.lock().chat(&self.user_id, peer)
    }

    /// A chat's messages, oldest first.
    pub fn messages(&self, peer: &str) -> Vec<Message> {
        let state = self.tim.0.state.lock();
        let account = state.accounts.get(&self.user_id);
        let chat = account.and_then(|account| account.chats.get(peer));
        chat.into_iter()
            .flat_map(|chat| chat.bubbles.iter().cloned())
            .collect()
    }

    /// The next message from anybody that this client has not heard yet.
    pub async fn hears(&self) -> Result<Heard, Silence> {
        self.hears_which("a message", |_| true).await
    }

    /// The next unheard message whose text contains `part`; those before it count as heard.
    pub async fn hears_text(&self, part: &str) -> Result<Heard, Silence> {
        let wanted = part.to_owned();
        let expected = format!("a text with {part:?}");
        self.hears_which(&expected, move |heard| heard.text().contains(&wanted))
            .await
    }

    /// The next unheard message that fits; those before it count as heard.
    pub async fn hears_which(
        &self,
        expected: &str,
        fits: impl Fn(&Heard) -> bool + Send + 'static,
    ) -> Result<Heard, Silence> {
        let world = self.tim.0.world.clone();
        let client = self.clone();
        let found = world.wait_for(world.patience, move || {
            let heard = client.unheard().into_iter().find(|heard| fits(heard))?;
            client.heard.fetch_max(heard.message.id, Ordering::SeqCst);
            Some(heard)
        });
        found.await.ok_or_else(|| Silence {
            who: self.user_id.clone(),
            waited: world.patience,
            expected: expected.to_owned(),
            heard: self
                .unheard()
                .iter()
                .map(|heard| format!("{}: {:?}", heard.peer, heard.message.content))
                .collect(),
        })
    }

    /// What came and was not heard yet, in order.
    pub fn unheard(&self) -> Vec<Heard> {
        let after = self.heard.load(Ordering::SeqCst);
        let state = self.tim.0.state.lock();
        let account = state.accounts.get(&self.user_id);
        let chats = account.into_iter().flat_map(|account| &account.chats);
        let mut heard: Vec<Heard> = chats
            .flat_map(|(peer, chat)| {
                let new = chat.bubbles.iter().rev().take_while(move |m| m.id > after);
                new.filter(|m| m.from == Author::Peer).map(|message| Heard {
                    peer: peer.clone(),
                    message: message.clone(),
                })
            })
            .collect();
        heard.sort_by_key(|heard| heard.message.id);
        heard
    }
}
