//! The message push: signatures, modes, keys, and an arrival with an id that is the same when it is delivered again.
//! Every failure of a signature or key is answered alike (WeChat: 1.3 to 1.8).

use std::borrow::Cow;

use bridge_convertors::wechat::{Fields, callback, crypto::CryptoError, signature};
use bridge_core::{
    channel::{Ack, ChannelError, Decoded, Delivery, Verb},
    clock::Timestamp,
    message::{Arrival, Author, Content, Event, PeerId, What},
};
use bytes::Bytes;

use super::{Mode, WeChat};

/// The longest echo: seen are 17 to 20 digits.
const ECHO: usize = 256;

pub(super) fn decode(account: &WeChat, delivery: &Delivery) -> Result<Decoded, ChannelError> {
    let query = Query::of(delivery);
    if !query.signed(account, &query.signature, None) {
        return Err(ChannelError::forged(
            "the signature does not fit: is it the right token?",
        ));
    }
    match delivery.verb {
        Verb::Get => verification(delivery),
        Verb::Post => push(account, delivery, &query),
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

    fn signed(&self, account: &WeChat, signature: &str, encrypted: Option<&str>) -> bool {
        let token = account.config.token.expose();
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

fn push(account: &WeChat, delivery: &Delivery, query: &Query<'_>) -> Result<Decoded, ChannelError> {
    let outer = read(&delivery.body)?;
    let encrypted = match account.config.mode {
        Mode::Plain => None,
        Mode::Compatible | Mode::Safe => Some(outer.some("Encrypt").map(str::trim)),
    };
    let fields = match encrypted {
        // In compatible mode the clear copy is covered by no signature: only what is encrypted counts.
        Some(Some(encrypted)) => {
            let signature = delivery.query_value("msg_signature").unwrap_or_default();
            if !query.signed(account, &signature, Some(encrypted)) {
                return Err(ChannelError::forged("the message signature does not fit"));
            }
            read(open(account, encrypted)?.as_bytes())?
        }
        Some(None) => {
            return Err(ChannelError::forged(
                "in clear, although this account encrypts",
            ));
        }
        None => outer,
    };
    let arrivals = vec![arrival(account, delivery, &fields)?];
    Ok(Decoded {
        ack: Ack {
            content_type: "text/plain",
            body: Bytes::from_static(b"success"),
        },
        arrivals,
        pull: None,
    })
}

fn read(body: &[u8]) -> Result<Fields, ChannelError> {
    Fields::read(body).map_err(|error| ChannelError::malformed(error.to_string()))
}

/// Tries the present key, then the previous one.
fn open(account: &WeChat, encrypted: &str) -> Result<String, ChannelError> {
    let mut last = CryptoError::Key;
    for key in &account.keys {
        match key.open(encrypted, &account.config.app_id) {
            Ok(plain) => return Ok(plain),
            Err(error) => last = error,
        }
    }
    Err(ChannelError::forged(last.to_string()))
}

fn arrival(
    account: &WeChat,
    delivery: &Delivery,
    fields: &Fields,
) -> Result<Arrival, ChannelError> {
    let malformed =
        |error: bridge_core::convert::ConvertError| ChannelError::malformed(error.to_string());
    let content = callback::content(fields, &account.words.inbox).map_err(malformed)?;
    let sent_at = Timestamp::from_secs(callback::create_time(fields).map_err(malformed)?);
    Ok(Arrival {
        inbox: account.words.inbox.clone(),
        external_id: callback::external_id(fields).map_err(malformed)?,
        peer: PeerId::new(callback::peer(fields).map_err(malformed)?),
        author: author(&content),
        what: What::Content(content),
        sent_at,
        received_at: delivery.received_at,
        trigger: callback::trigger(fields),
        profile: None,
    })
}

/// Reports on mass messages and templates are the platform's word, not the contact's doing.
fn author(content: &Content) -> Author {
    match content {
        Content::Event(Event::DeliveryReport { .. }) => Author::System,
        Content::Event(Event::Other { name, .. })
            if name.eq_ignore_ascii_case("MASSSENDJOBFINISH") =>
        {
            Author::System
        }
        _ => Author::Contact,
    }
}
