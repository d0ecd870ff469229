//! A row as an arrival: by whom, about whom, and which allowance it opens. What servicers do in the WeCom client is theirs,
//! never taken for the customer's words.

use std::collections::BTreeMap;

use bridge_convertors::wecom::kf::read::{self, Origin};
use bridge_core::{
    clock::Timestamp,
    message::{Arrival, Author, Content, Event, ExternalId, PeerId, Profile, Trigger, What},
};
use serde_json::Value;

use super::{GREETING, Kf, config::Mode, last_word::Word, peer};

impl Kf {
    /// A row as an arrival; `None` for what is about nobody we know.
    pub(super) fn arrival(
        &self,
        account: &str,
        row: &Value,
        names: &BTreeMap<String, Profile>,
    ) -> Option<Arrival> {
        let id = read::message_id(row)?;
        let content = read::content(row, &self.words.inbox);
        let (peer, author, content) = match read::customer(row) {
            Some(customer) => {
                let (author, content) = by(row, content);
                (peer(customer, account), author, content)
            }
            None => self.about_servicer(row, content)?,
        };
        let sent_at = Timestamp::from_secs(read::sent_at(row).unwrap_or_default());
        Some(Arrival {
            inbox: self.words.inbox.clone(),
            external_id: ExternalId::new(format!("{}:{id}", sent_at.as_secs())),
            peer,
            trigger: trigger(row, &author, &content),
            author,
            what: What::Content(content),
            sent_at,
            received_at: self.clock.now(),
            decoded_at: None,
            profile: read::customer(row).and_then(|customer| names.get(customer).cloned()),
        })
    }

    /// A servicer who comes or goes concerns us where servicers serve.
    fn about_servicer(&self, row: &Value, content: Content) -> Option<(PeerId, Author, Content)> {
        let presence = matches!(content, Content::Event(Event::Presence { .. }));
        match read::servicer(row) {
            Some(servicer) if presence && self.config.mode == Mode::Servicers => {
                let servicer = PeerId::new(servicer);
                Some((servicer.clone(), Author::Agent(servicer), content))
            }
            _ => {
                let kind = &row["event"]["event_type"];
                tracing::debug!(%kind, "a row about no customer");
                None
            }
        }
    }

    /// Keeps the code by which this customer may be told something once, as long as it is good.
    pub(super) async fn note_word(&self, row: &Value, arrival: &Arrival) {
        let word = match read::welcome_code(row) {
            Some(code) => Some(Word::greeting(code, GREETING)),
            None => read::row_last_word(row).map(Word::of),
        };
        if let Some(word) = word {
            let age = self.clock.now().since(arrival.sent_at);
            self.keep_word(&arrival.peer, word, age).await;
        }
    }
}

/// Who a row about a customer is by, and what it says.
fn by(row: &Value, content: Content) -> (Author, Content) {
    let servicer = || read::servicer(row).map(|id| Author::Agent(PeerId::new(id)));
    match (read::origin(row), &content) {
        (Origin::Customer, _) => (Author::Contact, content),
        (Origin::System, Content::Event(Event::Taken | Event::Ended)) => {
            (servicer().unwrap_or(Author::System), content)
        }
        (Origin::System, Content::Event(Event::Entered { .. }) | Content::Recalled { .. }) => {
            (Author::Contact, content)
        }
        (Origin::System, _) => (Author::System, content),
        (Origin::Servicer, _) => {
            let content = Content::Event(Event::Answered {
                content: Box::new(content),
            });
            (servicer().unwrap_or(Author::System), content)
        }
        // Whoever that is, it is not the customer.
        (Origin::Other, _) => {
            let said = content.words().unwrap_or_default();
            let said = said.chars().take(1000).collect();
            let event = Event::Other {
                name: "message_of_other_origin".to_owned(),
                detail: [("said".to_owned(), said)].into(),
            };
            (Author::System, Content::Event(event))
        }
    }
}

fn trigger(row: &Value, author: &Author, content: &Content) -> Option<Trigger> {
    match (author, content) {
        (Author::Contact, Content::Event(Event::Entered { .. })) => {
            read::welcome_code(row).map(|_| Trigger::Enter)
        }
        (Author::Contact, Content::Event(_) | Content::Recalled { .. }) => None,
        (Author::Contact, _) => Some(Trigger::Message),
        _ => None,
    }
}
