//! The web: a page of our own and a script for a company's site. Visitors hold a socket; the server keeps it
//! ([`bridge_core::channel::Live`]). Here is what goes over it ([`frames`], [`lines`]), who somebody is ([`token`]), what
//! they may send ([`said`]) and the page itself ([`page`]).

mod check;
mod config;
mod frames;
mod lines;
mod page;
mod said;
mod seal;
mod token;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bridge_core::{
    channel::{
        Ack, Bounds, Capabilities, Channel, ChannelError, ChannelErrorKind, ChannelSpec, Check,
        Decoded, Delivery, Dispatch, Document, Heard, Live, News, Receipt, Visit,
    },
    clock::Timestamp,
    convert::Loss,
    error::Remedy,
    media::{KeptMedia, MediaLibrary},
    message::{ContentKind, InboxName, PeerId},
    plugin::{BuildError, Plugin, Tools},
    texts::Locale,
};

pub use self::config::Config;
use self::{
    frames::{Frame, tell},
    said::Desk,
    seal::Seal,
    token::Tokens,
};
#[cfg(test)]
pub(super) use self::{lines::shown, said::reads};

/// One site's visitors.
pub struct Web {
    config: Config,
    origins: Vec<String>,
    bounds: Bounds,
    capabilities: Capabilities,
    documents: BTreeMap<&'static str, Document>,
    tokens: Tokens,
    desk: Desk,
    deliveries: Seal,
    media: Arc<dyn MediaLibrary>,
    public_url: String,
    locale: Locale,
}

bridge_core::register!(ChannelSpec::new::<Web>("web"));

impl Plugin for Web {
    type Config = Config;

    fn build(config: Config, tools: &Tools) -> Result<Self, BuildError> {
        let config = config.spoken(tools.locale);
        let origins = config.validate()?;
        let seal =
            |purpose: &str| Seal::new(tools.keys.key(&format!("web.{purpose}/{}", tools.name)));
        Ok(Self {
            bounds: config.bounds(),
            capabilities: capabilities(),
            documents: page::documents(&config, &origins, tools),
            tokens: Tokens::new(seal("token"), config.token_lifetime.0),
            desk: Desk {
                inbox: InboxName::new(&*tools.name),
                tickets: seal("ticket"),
                text_bytes: config.text_bytes,
            },
            deliveries: seal("delivery"),
            media: tools.media.clone(),
            public_url: tools.public_url.clone(),
            locale: tools.locale,
            origins,
            config,
        })
    }
}

fn capabilities() -> Capabilities {
    use ContentKind::{File, Image, Link, Location, Menu, Text, Video, Voice};
    Capabilities {
        kinds: [Text, Image, Voice, Video, File, Location, Link, Menu].into(),
        markdown: true,
        ..Capabilities::default()
    }
}

#[async_trait]
impl Channel for Web {
    /// Reads what [`Live::hear`] sealed. What strangers post to the callback's URL has no seal.
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        let body = self.deliveries.open(&delivery.body);
        let body = body.ok_or_else(|| ChannelError::forged("no seal of ours"))?;
        let arrivals = serde_json::from_slice(body)
            .map_err(|error| ChannelError::malformed(error.to_string()))?;
        Ok(Decoded {
            ack: Ack::text("success"),
            arrivals,
            pull: None,
        })
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Nothing leaves from here: the visitor reads the transcript. But what they will want to see is brought here, so
    /// that an agent hears of what is not to be had.
    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        for media in dispatch.content.media() {
            match self.media.keep(media).await {
                Ok(_) => {}
                Err(error) if error.remedy == Remedy::Never => return Err(missing(&error.detail)),
                Err(error) => {
                    return Err(ChannelError::network(
                        Remedy::retry_secs(2),
                        error.to_string(),
                    ));
                }
            }
        }
        let mut receipt = Receipt::default();
        if let kind @ (ContentKind::MiniProgram | ContentKind::Unsupported) =
            dispatch.content.kind()
        {
            receipt.lost.push(Loss::new(kind, "shown as its title"));
        }
        Ok(receipt)
    }

    fn live(&self) -> Option<&dyn Live> {
        Some(self)
    }

    fn check(&self) -> Option<&dyn Check> {
        Some(self)
    }
}

fn missing(detail: &str) -> ChannelError {
    let detail = format!("the medium is not to be had: {detail}");
    ChannelError::new(ChannelErrorKind::Refused, Remedy::Never, detail).advise(
        "文件无法获取，访客看不到它",
        "the file could not be fetched, the visitor does not see it",
    )
}

impl Live for Web {
    fn admits(&self, origin: &str) -> bool {
        self.origins.iter().any(|known| known == origin)
    }

    fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    fn document(&self, path: &str) -> Option<&Document> {
        self.documents.get(path)
    }

    fn greet(&self, frame: &str, now: Timestamp) -> Result<Visit, ChannelError> {
        match Frame::read(frame) {
            Some(Frame::Hello { token, after }) => self.tokens.visit(token.as_deref(), after, now),
            _ => Err(ChannelError::malformed("the first frame is no hello")),
        }
    }

    fn hear(&self, visit: &Visit, frame: &str, now: Timestamp) -> Heard {
        match Frame::read(frame) {
            Some(Frame::Say(say)) => {
                let id = say.id.clone();
                match self.desk.arrivals(&visit.peer, say, now) {
                    Ok(arrivals) => Heard::Said {
                        id,
                        // Arrivals of our own making are always JSON; were they not, decode would refuse the empty body.
                        delivery: self
                            .deliveries
                            .close(&serde_json::to_vec(&arrivals).unwrap_or_default()),
                    },
                    Err(why) => Heard::Refused { id, why },
                }
            }
            Some(Frame::Earlier { before }) => Heard::Earlier(before),
            Some(Frame::Shown { line }) => Heard::Shown(line),
            Some(Frame::Ping) => Heard::Ping,
            Some(Frame::Hello { .. }) | None => Heard::Noise,
        }
    }

    fn tell(&self, news: &News<'_>) -> String {
        tell(&self.config, &self.public_url, self.locale, news)
    }

    fn whose(&self, token: &str, now: Timestamp) -> Result<PeerId, ChannelError> {
        self.tokens.read(token, now).map(|(peer, _)| peer)
    }

    fn takes(&self, mime: &str) -> bool {
        self.config.takes(mime)
    }

    fn ticket(&self, owner: &PeerId, kept: &KeptMedia, now: Timestamp) -> String {
        self.desk.ticket(owner, kept, now)
    }
}
