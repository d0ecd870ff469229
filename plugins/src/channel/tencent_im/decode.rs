//! A callback as arrivals: whose it is, whether it concerns us, and what it says.

use bridge_convertors::tencent_im::body::Element;
use bridge_convertors::tencent_im::callback::{self, C2cMessage, Callback, CallbackError};
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
        Ok(match callback {
            Callback::C2cAfterSend(message) if message.delivered() && signals_only(message) => {
                let between = between(&message.from, &message.to)?;
                let typing = between.filter(|_| types(message));
                typing
                    .map(|between| self.typing(between, message.key(), at))
                    .into_iter()
                    .collect()
            }
            Callback::C2cAfterSend(message) if message.delivered() => {
                let between = between(&message.from, &message.to)?;
                between.map_or_else(Vec::new, |between| {
                    self.spoken(between, message.key(), &message.msg_body, at)
                })
            }
            Callback::C2cRecalled(message) => {
                let between = between(&message.from, &message.to)?;
                between
                    .map(|between| self.recalled(between, MessageKey::parse(&message.msg_key), at))
                    .into_iter()
                    .collect()
            }
            Callback::C2cModified(message) => {
                let between = between(&message.from, &message.to)?;
                between
                    .map(|between| self.modified(between, message, at))
                    .into_iter()
                    .collect()
            }
            Callback::C2cRead(read) => {
                let between = between(&read.reader, &read.peer)?;
                between
                    .map(|between| self.read(between, read.last_read_time, at))
                    .into_iter()
                    .collect()
            }
            Callback::StateChange(change) => {
                let agent = agent(&change.info.account)?;
                agent
                    .zip(change.online())
                    .map(|(agent, online)| self.presence_told(agent, online, change.event_time, at))
                    .into_iter()
                    .collect()
            }
            Callback::PortraitSet(portrait) => {
                let profile = Profile {
                    name: portrait.text("Tag_Profile_IM_Nick").map(str::to_owned),
                    avatar_url: portrait.text("Tag_Profile_IM_Image").map(str::to_owned),
                    handles: Vec::new(),
                };
                let told = |agent| {
                    self.about(
                        agent,
                        "profile",
                        Event::ProfileChanged,
                        portrait.event_time,
                        at,
                        Some(profile),
                    )
                };
                agent(&portrait.account)?.map(told).into_iter().collect()
            }
            _ => Vec::new(),
        })
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
