//! A callback as arrivals: whose it is, whether it concerns us, and what it says.

use bridge_convertors::tencent_im::body::Element;
use bridge_convertors::tencent_im::callback::{
    self, C2cMessage, Callback, CallbackError, PortraitSet,
};
use bridge_convertors::tencent_im::key::MessageKey;
use bridge_convertors::tencent_im::sign;
use bridge_core::channel::{Ack, ChannelError, ChannelErrorKind, Decoded, Delivery, Persona, Verb};
use bridge_core::clock::Timestamp;
use bridge_core::error::Remedy;
use bridge_core::message::{Arrival, Event, Profile};
use bytes::Bytes;

use super::TencentIm;
use super::arrivals::Between;

/// The longest account that is taken for one; the service ends at 32 bytes.
const ACCOUNT: usize = 128;

impl TencentIm {
    pub(super) fn decode_callback(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        if delivery.verb == Verb::Get {
            return Err(ChannelError::malformed("Tencent IM posts its callbacks"));
        }
        self.authenticate(delivery)?;
        let command = delivery.query_value("CallbackCommand");
        let callback = Callback::parse(command.as_deref(), &delivery.body).map_err(unreadable)?;
        let arrivals = match &callback {
            Callback::C2cAfterSend(_) if self.is_echo(delivery) => Vec::new(),
            _ => self.arrivals(&callback, delivery.received_at)?,
        };
        Ok(Decoded {
            ack: Ack::json(Bytes::from_static(callback::OK.as_bytes())),
            arrivals,
            pull: None,
        })
    }

    /// Whether a message was sent through the server API: by us, or by a backend that does not speak for agents.
    /// (Ours come from a stand-in besides.)
    fn is_echo(&self, delivery: &Delivery) -> bool {
        let platform = delivery.query_value("OptPlatform");
        !self.config.other_backends && platform.is_some_and(|by| by.eq_ignore_ascii_case("RESTAPI"))
    }

    /// Whether the callback is of our application, and signed where a token says so. (Tencent IM, 8.1, 8.2.)
    fn authenticate(&self, delivery: &Delivery) -> Result<(), ChannelError> {
        let app = delivery.query_value("SdkAppid");
        if app.and_then(|app| app.parse().ok()) != Some(self.config.sdk_app_id) {
            return Err(ChannelError::forged(
                "the callback is of another application: SdkAppid differs",
            ));
        }
        if self.config.callback_token.is_empty() {
            return Ok(());
        }
        let time = delivery.query_value("RequestTime");
        let given = delivery.query_value("Sign");
        sign::check(
            self.config.callback_token.expose(),
            time.as_deref(),
            given.as_deref(),
            u64::try_from(delivery.received_at.as_secs()).unwrap_or(0),
            self.config.callback_window.0.as_secs(),
        )
        .map_err(|error| ChannelError::forged(error.to_string()))
    }

    /// What of a callback concerns us: what agents say to stand-ins, and what becomes of agents. Messages *from* a
    /// stand-in are our own; between other accounts colleagues talk. Groups are none of ours either, and robots are
    /// reported a second time as ordinary receivers.
    fn arrivals(
        &self,
        callback: &Callback<'_>,
        at: Timestamp,
    ) -> Result<Vec<Arrival>, ChannelError> {
        match callback {
            Callback::C2cAfterSend(message) => self.sent(message, at),
            other => Ok(self.happened(other, at)?.into_iter().collect()),
        }
    }

    /// A message was sent: what an agent says to a stand-in, and that they are at it.
    fn sent(&self, message: &C2cMessage<'_>, at: Timestamp) -> Result<Vec<Arrival>, ChannelError> {
        if !message.delivered() {
            return Ok(Vec::new());
        }
        let Some(between) = between(&message.from, &message.to)? else {
            return Ok(Vec::new());
        };
        Ok(match signals_only(message) {
            false => self.spoken(between, message.key(), &message.msg_body, at),
            true if types(message) => vec![self.typing(between, message.key(), at)],
            true => Vec::new(),
        })
    }

    /// Something became of a message or of an agent.
    fn happened(
        &self,
        callback: &Callback<'_>,
        at: Timestamp,
    ) -> Result<Option<Arrival>, ChannelError> {
        Ok(match callback {
            Callback::C2cRecalled(message) => between(&message.from, &message.to)?
                .map(|between| self.recalled(between, MessageKey::parse(&message.msg_key), at)),
            Callback::C2cModified(message) => between(&message.from, &message.to)?
                .map(|between| self.modified(between, message, at)),
            Callback::C2cRead(read) => between(&read.reader, &read.peer)?
                .map(|between| self.read(between, read.last_read_time, at)),
            Callback::StateChange(change) => agent(&change.info.account)?
                .zip(change.online())
                .map(|(agent, online)| self.presence_told(agent, online, change.event_time, at)),
            Callback::PortraitSet(portrait) => {
                agent(&portrait.account)?.map(|agent| self.profile_told(agent, portrait, at))
            }
            _ => None,
        })
    }

    fn profile_told(&self, agent: &str, portrait: &PortraitSet<'_>, at: Timestamp) -> Arrival {
        let profile = Profile {
            name: portrait.text("Tag_Profile_IM_Nick").map(str::to_owned),
            avatar_url: portrait.text("Tag_Profile_IM_Image").map(str::to_owned),
            handles: Vec::new(),
        };
        let event = Event::ProfileChanged;
        self.about(
            agent,
            "profile",
            event,
            portrait.event_time,
            at,
            Some(profile),
        )
    }

    fn presence_told(&self, agent: &str, online: bool, event_time: u64, at: Timestamp) -> Arrival {
        let what = if online { "online" } else { "offline" };
        self.about(
            agent,
            what,
            Event::Presence { online },
            event_time,
            at,
            None,
        )
    }
}

/// The agent and the stand-in, where one speaks to the other.
fn between<'a>(from: &'a str, to: &'a str) -> Result<Option<Between<'a>>, ChannelError> {
    let (from, to) = (account(from)?, account(to)?);
    let ours = !Persona::is_stand_in(from) && Persona::is_stand_in(to);
    Ok(ours.then_some(Between {
        agent: from,
        stand_in: to,
    }))
}

/// The account of somebody who is no stand-in.
fn agent(name: &str) -> Result<Option<&str>, ChannelError> {
    account(name).map(|name| Some(name).filter(|name| !Persona::is_stand_in(name)))
}

fn account(name: &str) -> Result<&str, ChannelError> {
    match name.len() {
        1..=ACCOUNT => Ok(name),
        length => Err(ChannelError::malformed(format!(
            "an account of {length} bytes"
        ))),
    }
}

/// Clients tell one another "typing…" by messages that are kept nowhere and hold nothing but data of their own.
fn signals_only(message: &C2cMessage<'_>) -> bool {
    message.online_only_flag == 1
        && message
            .msg_body
            .iter()
            .all(|element| matches!(element, Element::Custom(_)))
}

/// Whether such a message says that somebody types, as Tencent's own clients (TUIKit) put it.
fn types(message: &C2cMessage<'_>) -> bool {
    message.msg_body.iter().any(|element| match element {
        Element::Custom(custom) => {
            let data: serde_json::Value = serde_json::from_str(&custom.data).unwrap_or_default();
            data["businessID"] == "user_typing_status" && data["typingStatus"] != 0
        }
        _ => false,
    })
}

fn unreadable(error: CallbackError) -> ChannelError {
    let kind = match error {
        CallbackError::TooLarge(_) => ChannelErrorKind::TooLarge,
        CallbackError::Malformed(_) | CallbackError::CommandMismatch => ChannelErrorKind::Malformed,
    };
    ChannelError::new(kind, Remedy::Never, error.to_string())
}
