//! A customer's phone, for tests: says, does, hears.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Act, Customer, Event, Wechat};
use crate::content::{Author, Message};
use crate::media::Media;
use crate::play::{Pushed, Silence};

/// A customer's phone. Clones share what they have heard.
#[derive(Clone)]
pub struct Phone {
    wechat: Wechat,
    openid: String,
    heard: Arc<AtomicU64>,
}

impl Phone {
    pub(super) fn new(wechat: Wechat, openid: String) -> Self {
        Self {
            wechat,
            openid,
            heard: Arc::default(),
        }
    }

    /// The customer's openid.
    pub fn openid(&self) -> &str {
        &self.openid
    }

    /// The customer as the pages see one.
    pub fn customer(&self) -> Customer {
        let state = self.wechat.0.state.lock();
        let person = &state.people[&self.openid];
        state.customer(person, self.wechat.0.world.now())
    }

    /// Does anything a customer can do.
    pub fn does(&self, act: Act) -> Pushed {
        match self.wechat.act(&self.openid, &act) {
            Some((message, outcome)) => Pushed::new(message, outcome),
            // Customers are never deleted, and a phone is made only for one that exists.
            None => unreachable!("{} is not known", self.openid),
        }
    }

    /// Sends a text.
    pub fn says(&self, text: &str) -> Pushed {
        self.does(Act::Text(text.to_owned()))
    }

    /// Sends a picture kept with [`Sandbox::keep`](crate::Sandbox::keep).
    pub fn sends_image(&self, media: Media) -> Pushed {
        self.does(Act::Image(media))
    }

    /// Follows the account, maybe by a parametric QR code.
    pub fn follows(&self, scene: Option<&str>) -> Pushed {
        let scene = scene.map(str::to_owned);
        self.does(Act::Event(Event::Subscribe { scene }))
    }

    /// Unfollows.
    pub fn unfollows(&self) -> Pushed {
        self.does(Act::Event(Event::Unsubscribe))
    }

    /// Scans a parametric QR code: SCAN for a follower, else a subscription with the code's scene.
    pub fn scans(&self, scene: &str) -> Pushed {
        match self.customer().following {
            true => self.does(Act::Event(Event::Scan {
                scene: scene.to_owned(),
            })),
            false => self.follows(Some(scene)),
        }
    }

    /// Taps a menu button with a key.
    pub fn clicks(&self, key: &str) -> Pushed {
        self.does(Act::Event(Event::Click {
            key: key.to_owned(),
        }))
    }

    /// Taps a line of a menu message.
    pub fn taps(&self, id: &str, text: &str) -> Pushed {
        self.does(Act::MenuTap {
            id: id.to_owned(),
            text: text.to_owned(),
        })
    }

    /// The whole chat, oldest first.
    pub fn chat(&self) -> Vec<Message> {
        let state = self.wechat.0.state.lock();
        state.people[&self.openid].chat.iter().cloned().collect()
    }

    /// The next message from the account (or the platform) that this phone has not heard yet.
    pub async fn hears(&self) -> Result<Message, Silence> {
        self.hears_which("a message", |_| true).await
    }

    /// The next unheard message whose text contains `part`; those before it count as heard.
    pub async fn hears_text(&self, part: &str) -> Result<Message, Silence> {
        let wanted = part.to_owned();
        let expected = format!("a text with {part:?}");
        self.hears_which(&expected, move |message| message.text().contains(&wanted))
            .await
    }

    /// The next unheard message that fits; those before it count as heard.
    pub async fn hears_which(
        &self,
        expected: &str,
        fits: impl Fn(&Message) -> bool + Send + 'static,
    ) -> Result<Message, Silence> {
        let world = self.wechat.0.world.clone();
        let phone = self.clone();
        let found = world.wait_for(world.patience, move || {
            let message = phone.unheard().into_iter().find(|message| fits(message))?;
            phone.heard.fetch_max(message.id, Ordering::SeqCst);
            Some(message)
        });
        found.await.ok_or_else(|| Silence {
            who: self.customer().nickname,
            waited: world.patience,
            expected: expected.to_owned(),
            heard: self
                .unheard()
                .iter()
                .map(|m| format!("{:?}", m.content))
                .collect(),
        })
    }

    /// What came and was not heard yet.
    pub fn unheard(&self) -> Vec<Message> {
        let after = self.heard.load(Ordering::SeqCst);
        let chat = self.chat().into_iter();
        chat.filter(|m| m.from != Author::Customer && m.id > after)
            .collect()
    }
}
