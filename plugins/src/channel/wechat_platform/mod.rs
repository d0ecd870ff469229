//! What official accounts and mini programs have in common: the push is checked and read ([`push`]), customer messages go out
//! with their media uploaded ([`media`]), and the account's API keeps the access token ([`super::account`]).

mod check;
mod media;
mod push;
mod settings;

use std::{borrow::Cow, sync::Arc};

use bridge_convertors::{
    errcode::Action,
    wechat::{
        Wire, plain,
        send::{CustomSend, Message},
    },
};
use bridge_core::{
    channel::{
        Capabilities, ChannelError, ChannelErrorKind, Decoded, Delivery, Dispatch, Fetched, Receipt,
    },
    convert::{Convertor, Loss},
    error::Remedy,
    media::MediaLibrary,
    message::{Content, InboxName, Media, MediaSource, PeerId},
    plugin::{BuildError, Tools},
    texts::Locale,
};

pub use self::settings::Mode;
pub(super) use self::{
    check::{Console, bad, good},
    push::{Opened, Push, Pushed},
    settings::Credentials,
};
use super::account::{Api, Grant, Table};

/// What one of the two kinds of account is made of.
pub(super) struct Kind {
    /// What it can show.
    pub(super) capabilities: Capabilities,
    /// What its error codes ask for.
    pub(super) table: Table,
    /// The type small pictures are uploaded as.
    pub(super) thumb: &'static str,
    /// What agents are told where something cannot be shown.
    pub(super) cannot_show: (&'static str, &'static str),
}

/// One account on WeChat's platform.
pub(super) struct Account {
    pub(super) inbox: InboxName,
    pub(super) api: Api,
    pub(super) push: Push,
    pub(super) kind: Kind,
    media: Arc<dyn MediaLibrary>,
    pub(super) locale: Locale,
    callback_url: String,
}

impl Account {
    pub(super) fn new(
        credentials: Credentials<'_>,
        kind: Kind,
        tools: &Tools,
    ) -> Result<Self, BuildError> {
        let push = credentials.validate()?;
        let grant = Grant::Stable {
            app_id: credentials.app_id.to_owned(),
            app_secret: credentials.app_secret.clone(),
        };
        Ok(Self {
            inbox: InboxName::new(&*tools.name),
            api: Api::new(credentials.api_base, grant, kind.table, tools)?,
            push,
            kind,
            media: tools.media.clone(),
            locale: tools.locale,
            callback_url: format!("{}/callback/{}", tools.public_url, tools.name),
        })
    }

    /// Checks and reads a callback; answers `success`.
    pub(super) fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        match self.push.open(delivery)? {
            Opened::Verified(decoded) => Ok(decoded),
            Opened::Pushed(pushed) => Ok(pushed.accepted(&self.inbox)),
        }
    }

    /// Sends a customer message.
    pub(super) async fn send(
        &self,
        words: &impl Convertor<Wire = Wire>,
        dispatch: &Dispatch,
    ) -> Result<Receipt, ChannelError> {
        match self.attempt(words, dispatch, false).await {
            // 40007: the platform no longer has the medium; upload it again, once.
            Err(error) if error.code == Some(40007) => self.attempt(words, dispatch, true).await,
            Err(error) if self.asks_for_words(&error) => self.in_words(dispatch, error).await,
            other => other,
        }
    }

    fn asks_for_words(&self, error: &ChannelError) -> bool {
        matches!(error.code.map(self.kind.table), Some(Action::Reword(..)))
    }

    /// This account may not send this kind of message: the same is said in words, where it is none already.
    async fn in_words(
        &self,
        dispatch: &Dispatch,
        refusal: ChannelError,
    ) -> Result<Receipt, ChannelError> {
        let content = media::linked(self, dispatch.content.clone()).await?;
        let Some(message) = plain::in_words(&content, self.locale) else {
            return Err(refusal);
        };
        self.post(dispatch, &message).await?;
        let what = "this account may not send it: said in words";
        Ok(Receipt {
            external_id: None,
            lost: vec![Loss::new(content.kind(), what)],
        })
    }

    async fn attempt(
        &self,
        words: &impl Convertor<Wire = Wire>,
        dispatch: &Dispatch,
        afresh: bool,
    ) -> Result<Receipt, ChannelError> {
        let plain = dispatch.content.media().is_empty()
            && !matches!(dispatch.content, Content::Music { .. });
        let content = match plain {
            true => Cow::Borrowed(&dispatch.content),
            false => Cow::Owned(media::uploaded(self, dispatch.content.clone(), afresh).await?),
        };
        let (zh, en) = self.kind.cannot_show;
        let written = words
            .write(&content, &self.kind.capabilities)
            .map_err(|error| {
                ChannelError::new(ChannelErrorKind::Refused, Remedy::Never, error.to_string())
                    .advise(zh, en)
            })?;
        for part in &written.parts {
            if let Wire::Message(message) = part {
                self.post(dispatch, message).await?;
            }
        }
        // The platform gives no id and no receipt, and nothing can be taken back (WeChat: 4.3).
        Ok(Receipt {
            external_id: None,
            lost: written.lost,
        })
    }

    async fn post(&self, dispatch: &Dispatch, message: &Message) -> Result<(), ChannelError> {
        let body = CustomSend {
            touser: dispatch.to.as_str(),
            message,
        };
        let path = "/cgi-bin/message/custom/send";
        self.api.post(path, &body).await.map(drop)
    }

    /// Shows "typing…", or stops.
    pub(super) async fn typing(&self, to: &PeerId, on: bool) -> Result<(), ChannelError> {
        let command = if on { "Typing" } else { "CancelTyping" };
        let body = serde_json::json!({ "touser": to.as_str(), "command": command });
        match self.api.post("/cgi-bin/message/custom/typing", &body).await {
            // 45080: nothing said in the last 30 s; 45081: already typing (WeChat: 4.4). Neither matters.
            Err(error) if matches!(error.code, Some(45080 | 45081)) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Downloads a medium.
    pub(super) async fn fetch(&self, media: &Media, limit: u64) -> Result<Fetched, ChannelError> {
        let MediaSource::Remote { handle, .. } = &media.source else {
            return Err(ChannelError::malformed("it is with us already"));
        };
        self.api.download(handle, limit).await
    }
}
