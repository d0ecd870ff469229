//! The message push: signatures, modes, keys, and an arrival with an id that is the same when it is delivered again.
//! Every failure of a signature or key is answered alike (WeChat: 1.3 to 1.8).

use std::borrow::Cow;

use bridge_convertors::wechat::{
    Fields, callback,
    crypto::{AesKey, CryptoError},
    reply::{self, Form, Seal},
    signature,
};
use bridge_core::{
    channel::{Ack, ChannelError, Decoded, Delivery, Verb},
    clock::Timestamp,
    message::{Arrival, Author, Content, Event, Handle, InboxName, PeerId, Profile, What},
    secret::Secret,
};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Mode;

/// The longest echo: seen are 17 to 20 digits.
const ECHO: usize = 256;

/// What a push is checked with.
pub(in super::super) struct Push {
    pub(super) app_id: String,
    pub(super) token: Secret,
    pub(super) mode: Mode,
    /// The present key and the previous one.
    pub(super) keys: Vec<AesKey>,
}

/// A callback that is the platform's.
pub(in super::super) enum Opened {
    /// The URL was checked; this is the answer.
    Verified(Decoded),
    /// Something was pushed.
    Pushed(Pushed),
}

/// What was pushed.
pub(in super::super) struct Pushed {
    /// Its fields, in clear.
    pub(in super::super) fields: Fields,
    /// The format it came in; a reply must have the same.
    pub(in super::super) form: Form,
    received_at: Timestamp,
    /// What its query says of the time: the same when it is delivered again (WeChat: 1.3).
    signed_at: i64,
}

impl Push {
    /// Checks a callback and reads it.
    pub(in super::super) fn open(&self, delivery: &Delivery) -> Result<Opened, ChannelError> {
        let query = Query::of(delivery);
        if !query.signed(self, &query.signature, None) {
            return Err(ChannelError::forged(
                "the signature does not fit: is it the right token?",
            ));
        }
        match delivery.verb {
            Verb::Get => verification(delivery).map(Opened::Verified),
            Verb::Post => self.read(delivery, &query).map(Opened::Pushed),
        }
    }

    fn read(&self, delivery: &Delivery, query: &Query<'_>) -> Result<Pushed, ChannelError> {
        let outer = read(&delivery.body)?;
        let encrypted = match self.mode {
            // Signed, so it is the platform's; taken for a message that says nothing it would be lost without a word.
            Mode::Plain if is_sealed(&outer) => {
                tracing::warn!(
                    app_id = self.app_id,
                    "a push is encrypted, but mode is plain: set mode and encoding_aes_key as the platform has them"
                );
                return Err(ChannelError::malformed(
                    "encrypted, although this account does not encrypt",
                ));
            }
            Mode::Plain => None,
            Mode::Compatible | Mode::Safe => Some(outer.some("Encrypt").map(str::trim)),
        };
        let fields = match encrypted {
            // In compatible mode the clear copy is covered by no signature: only what is encrypted counts.
            Some(Some(encrypted)) => {
                let signature = delivery.query_value("msg_signature").unwrap_or_default();
                if !query.signed(self, &signature, Some(encrypted)) {
                    return Err(ChannelError::forged("the message signature does not fit"));
                }
                read(self.decrypt(encrypted)?.as_bytes())?
            }
            Some(None) => {
                return Err(ChannelError::forged(
                    "in clear, although this account encrypts",
                ));
            }
            None => outer,
        };
        Ok(Pushed {
            fields,
            form: Form::of(&delivery.body),
            received_at: delivery.received_at,
            signed_at: query.timestamp.parse().unwrap_or_default(),
        })
    }

    /// Tries the present key, then the previous one.
    fn decrypt(&self, encrypted: &str) -> Result<String, ChannelError> {
        let mut last = CryptoError::Key;
        for key in &self.keys {
            match key.open(encrypted, &self.app_id) {
                Ok(plain) => return Ok(plain),
                Err(error) => last = error,
            }
        }
        Err(ChannelError::forged(last.to_string()))
    }

    /// The answer that hands a pushed message to the platform's own service tool: in the format of the push, encrypted
    /// where the account encrypts (WeChat: 3.2).
    pub(in super::super) fn transfer(&self, pushed: &Pushed) -> Ack {
        let field = |name| pushed.fields.get(name).unwrap_or_default();
        let seconds = pushed.received_at.as_secs();
        let (to, from) = (field("FromUserName"), field("ToUserName"));
        let reply = reply::transfer(to, from, seconds, pushed.form);
        let body = match (self.mode, self.keys.first()) {
            (Mode::Compatible | Mode::Safe, Some(key)) => {
                let (random, nonce) = self.fresh(&reply);
                let seal = Seal {
                    key,
                    app_id: &self.app_id,
                    token: self.token.expose(),
                    seconds,
                    nonce: &nonce,
                    random,
                };
                seal.envelope(&reply, pushed.form)
            }
            _ => reply,
        };
        Ack {
            content_type: pushed.form.content_type(),
            body: Bytes::from(body),
        }
    }

    /// Nobody without the token can foretell them, and the same delivery gets the same answer: decoding is without state.
    fn fresh(&self, reply: &str) -> ([u8; 16], String) {
        let digest = Sha256::new()
            .chain_update(self.token.expose())
            .chain_update([0])
            .chain_update(reply)
            .finalize();
        let mut random = [0; 16];
        random.copy_from_slice(&digest[..16]);
        let nonce = digest[16..22].iter().map(|byte| format!("{byte:02x}"));
        (random, nonce.collect())
    }
}

impl Pushed {
    /// Its arrival, acknowledged. What the platform signed is taken, however little it says: refusing would show the
    /// customer a fault, and change nothing.
    pub(in super::super) fn accepted(&self, inbox: &InboxName) -> Decoded {
        Decoded {
            ack: Ack {
                content_type: "text/plain",
                body: Bytes::from_static(b"success"),
            },
            arrivals: self.arrival(inbox).into_iter().collect(),
            pull: None,
        }
    }

    /// Nothing comes of what is nobody's doing.
    fn arrival(&self, inbox: &InboxName) -> Option<Arrival> {
        let fields = &self.fields;
        let Some(peer) = callback::peer(fields) else {
            tracing::info!(%inbox, push = callback::summary(fields), "a push that is about nobody");
            return None;
        };
        let content = callback::content(fields, inbox);
        let sent_at = callback::create_time(fields).unwrap_or(self.signed_at);
        Some(Arrival {
            inbox: inbox.clone(),
            external_id: callback::external_id(fields, sent_at),
            peer: PeerId::new(peer),
            author: author(&content),
            what: What::Content(content),
            sent_at: Timestamp::from_secs(sent_at),
            received_at: self.received_at,
            decoded_at: None,
            trigger: callback::trigger(fields),
            profile: self.profile(),
        })
    }

    /// Some events of mini programs tell the unionid (WeChat: 2.4, `user_info_modified`).
    fn profile(&self) -> Option<Profile> {
        let union_id = self.fields.some("UnionID").and_then(Handle::union_id)?;
        Some(Profile {
            handles: vec![union_id],
            ..Profile::default()
        })
    }
}

/// What the query says.
struct Query<'a> {
    signature: Cow<'a, str>,
    timestamp: Cow<'a, str>,
    nonce: Cow<'a, str>,
}

impl<'a> Query<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        let value = |name| delivery.query_value(name).unwrap_or_default();
        Self {
            signature: value("signature"),
            timestamp: value("timestamp"),
            nonce: value("nonce"),
        }
    }

    fn signed(&self, push: &Push, signature: &str, encrypted: Option<&str>) -> bool {
        let token = push.token.expose();
        match encrypted {
            Some(encrypted) => signature::fits(
                signature,
                &mut [token, &self.timestamp, &self.nonce, encrypted],
            ),
            None => signature::fits(signature, &mut [token, &self.timestamp, &self.nonce]),
        }
    }
}

/// The URL check is answered with the echo, as it stands (WeChat: 1.2).
fn verification(delivery: &Delivery) -> Result<Decoded, ChannelError> {
    let echo = delivery.query_value("echostr").unwrap_or_default();
    if echo.len() > ECHO || !echo.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ChannelError::malformed("echostr is not printable ASCII"));
    }
    Ok(Decoded {
        ack: Ack::text(echo.into_owned()),
        arrivals: Vec::new(),
        pull: None,
    })
}

/// Whether nothing of it is in clear.
fn is_sealed(outer: &Fields) -> bool {
    outer.some("Encrypt").is_some() && outer.some("MsgType").is_none()
}

fn read(body: &[u8]) -> Result<Fields, ChannelError> {
    Fields::read(body).map_err(|error| ChannelError::malformed(error.to_string()))
}

/// Reports on templates and nudges are the platform's word, not the contact's doing.
fn author(content: &Content) -> Author {
    match content {
        Content::Event(Event::DeliveryReport { .. } | Event::NudgeReport { .. }) => Author::System,
        _ => Author::Contact,
    }
}
