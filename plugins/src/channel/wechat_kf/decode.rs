//! The callback: checked and opened; what it says is only that there is something to pull (WeCom: 1.2, 1.3, 3.1).

use bridge_convertors::wecom::{
    Fields,
    envelope::{EnvelopeError, Signed},
    kf::read,
};
use bridge_core::channel::{Ack, ChannelError, Decoded, Delivery, PullHint, Verb};

use super::Kf;

pub(super) fn decode(account: &Kf, delivery: &Delivery) -> Result<Decoded, ChannelError> {
    let signed = Signed::of(delivery);
    match delivery.verb {
        // Answered with the opened echo and nothing else.
        Verb::Get => {
            let echo = delivery.query_value("echostr").unwrap_or_default();
            let opened = account.gate.echo(&signed, &echo).map_err(refused)?;
            Ok(Decoded {
                ack: Ack::text(opened),
                arrivals: Vec::new(),
                pull: None,
            })
        }
        Verb::Post => {
            let opened = account
                .gate
                .open(&signed, &delivery.body)
                .map_err(refused)?;
            let fields = Fields::read(opened.plain.as_bytes())
                .map_err(|error| ChannelError::malformed(error.to_string()))?;
            Ok(Decoded {
                ack: Ack::text(""),
                arrivals: Vec::new(),
                pull: hint(account, &fields),
            })
        }
    }
}

fn refused(error: EnvelopeError) -> ChannelError {
    match error.forged() {
        true => ChannelError::forged(error.to_string()),
        false => ChannelError::malformed(error.to_string()),
    }
}

/// Which account to look at. Pushes for accounts that are not ours, and of other kinds, are no business of this inbox.
fn hint(account: &Kf, fields: &Fields) -> Option<PullHint> {
    let hint = read::hint(fields)?;
    let known = account.accounts.contains(&hint.open_kf_id);
    let topic = match (known, hint.open_kf_id.is_empty()) {
        (true, _) => hint.open_kf_id,
        // Older pushes name none: the others are found by the routine pull.
        (false, true) => account.accounts.first()?.clone(),
        (false, false) => {
            tracing::debug!(
                account = hint.open_kf_id,
                "a push for an account that is not configured"
            );
            return None;
        }
    };
    Some(PullHint {
        topic,
        token: hint.token,
    })
}
