//! The app's JSON, and what it is in the bridge's words.

use bridge_core::{
    channel::{ChannelError, Dispatch},
    clock::Timestamp,
    convert::Loss,
    message::{
        Arrival, Author, Content, ExternalId, InboxName, Media, PeerId, Profile, Trigger, What,
    },
    texts::{Locale, excerpt},
};

/// The longest id the app uses.
const LONGEST_ID: usize = 64;

/// What the app posts.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Incoming {
    /// The app's id of the message: the same id is the same message.
    id: String,
    /// The app's id of its user.
    from: String,
    /// The user's name.
    name: Option<String>,
    /// Unix seconds.
    sent_at: i64,
    /// Words.
    text: Option<String>,
    /// A picture's address.
    picture: Option<String>,
}

/// What is posted to the app.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Outgoing {
    /// The same message always has the same id, however often it is posted: the app drops repeats.
    id: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

impl Incoming {
    /// As the bridge takes it in.
    pub(crate) fn into_arrival(
        self,
        inbox: &InboxName,
        received_at: Timestamp,
    ) -> Result<Arrival, ChannelError> {
        for (field, value) in [("id", &self.id), ("from", &self.from)] {
            if value.is_empty() || value.len() > LONGEST_ID {
                let wrong = format!("{field} has 1 to {LONGEST_ID} bytes");
                return Err(ChannelError::malformed(wrong));
            }
        }
        let content = match (self.text, self.picture) {
            (Some(text), None) => Content::text(text),
            (None, Some(url)) => Content::Image {
                media: Media::remote(inbox, "", Some(url)),
            },
            _ => return Err(ChannelError::malformed("either text or picture")),
        };
        Ok(Arrival {
            inbox: inbox.clone(),
            // The platform's time first: a store's unique index then grows at its right edge.
            external_id: ExternalId::new(format!("{}:{}", self.sent_at, self.id)),
            peer: PeerId::from(self.from),
            author: Author::Contact,
            what: What::Content(content),
            sent_at: Timestamp::from_secs(self.sent_at),
            received_at,
            decoded_at: None,
            trigger: Some(Trigger::Message),
            profile: self.name.map(|name| Profile {
                name: Some(name),
                ..Profile::default()
            }),
        })
    }
}

/// A dispatch as the app takes it, and what could not be shown. `picture` is where the app gets a picture from.
pub(crate) fn outgoing(
    dispatch: &Dispatch,
    picture: Option<String>,
    locale: Locale,
) -> (Outgoing, Vec<Loss>) {
    let (text, lost) = match &dispatch.content {
        Content::Text(text) => (Some(text.text.clone()), None),
        Content::Image { .. } => (None, None),
        Content::Menu { head, items, tail } => {
            let mut lines = vec![head.clone()];
            lines.extend(
                items
                    .iter()
                    .map(|item| format!("{}. {}", item.id, item.label)),
            );
            lines.push(tail.clone());
            let words = lines.join("\n").trim().to_owned();
            (Some(words), Some("shown as words, nothing to tap"))
        }
        Content::Link { title, url, .. } => {
            (Some(format!("{title}\n{url}")), Some("shown as words"))
        }
        other => (Some(excerpt(other, locale)), Some("only named")),
    };
    let message = Outgoing {
        id: dispatch.id.to_string(),
        to: dispatch.to.to_string(),
        text,
        picture,
    };
    let lost = lost.map(|what| Loss::new(dispatch.content.kind(), what));
    (message, lost.into_iter().collect())
}
