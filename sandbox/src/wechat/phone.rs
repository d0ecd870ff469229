//! A customer's phone, for tests: says, does, hears.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Act, Customer, Event, Wechat};
use crate::content::{Author, Content, Message};
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

    /// Opens a mini program's service chat from a page that says `session_from` about itself.
    pub fn enters(&self, session_from: &str) -> Pushed {
        let session_from = session_from.to_owned();
        self.does(Act::Event(Event::EnterSession { session_from }))
    }

    /// Answers a mini program's question whether it may send a subscription message: a yes is one grant.
    pub fn answers(&self, template: &str, yes: bool) -> Pushed {
        let answers = vec![(template.to_owned(), said(yes))];
        self.does(Act::Event(Event::SubscriptionPopup { answers }))
    }

    /// Switches a template's messages off in the settings.
    pub fn withdraws(&self, template: &str) -> Pushed {
        let answers = vec![(template.to_owned(), said(false))];
        self.does(Act::Event(Event::SubscriptionChange { answers }))
    }

    /// Whether subscription messages that are taken arrive.
    pub fn loses_nudges(&self, lost: bool) {
        if let Some(person) = self.wechat.0.state.lock().people.get_mut(&self.openid) {
            person.loses_nudges = lost;
        }
    }

    /// Spends all grants behind everybody's back, as another system of the same mini program may.
    pub fn forgets_grants(&self) {
        if let Some(person) = self.wechat.0.state.lock().people.get_mut(&self.openid) {
            person.grants.clear();
        }
    }

    /// The next subscription message: what it says, and the page it opens.
    pub async fn is_nudged(&self) -> Result<(String, String), Silence> {
        let nudged = |message: &Message| message.note.as_deref() == Some("服务通知");
        let message = self.hears_which("a subscription message", nudged).await?;
        match message.content {
            Content::MiniProgram {
                title, page_path, ..
            } => Ok((title, page_path)),
            // Nothing else bears that remark.
            other => unreachable!("{other:?}"),
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

fn said(yes: bool) -> String {
    if yes { "accept" } else { "reject" }.to_owned()
}
