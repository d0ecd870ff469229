//! What a failed call means to the engine: whether to try again, and what people should read.

use std::time::Duration;

use bridge_convertors::tencent_im::error_table::{self, Class};
use bridge_convertors::tencent_im::rest::Refusal;
use bridge_core::channel::{ChannelError, ChannelErrorKind};
use bridge_core::error::Remedy;

use super::api::CallError;

/// The service forbids everything for a minute after too many bad signatures.
const LOCKED_OUT: i64 = 70050;

impl From<CallError> for ChannelError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => refused(&refusal),
            // A repeat carries the same MsgSeq and MsgRandom and looks into the history first, so "try again" is
            // right even where the first try may have arrived.
            CallError::NotSent(detail) | CallError::Unclear(detail) => {
                Self::network(Remedy::retry_secs(0), detail)
            }
            CallError::Busy(busy) => {
                let remedy = Remedy::Retry { after: busy.again };
                Self::new(ChannelErrorKind::Busy, remedy, format!("not sent: {busy}"))
                    .advise("发送过于频繁，正在排队", "too much is being sent: it waits")
            }
        }
    }
}

fn refused(Refusal { code, info }: &Refusal) -> ChannelError {
    let detail = format!("Tencent IM refused with {code}: {info}");
    let remedy = match error_table::classify(*code) {
        Class::Retry => Remedy::retry_secs(0),
        Class::Throttle if *code == LOCKED_OUT => Remedy::retry_secs(60),
        Class::Throttle => Remedy::retry_secs(1),
        // Somebody must act; what waits is sent when they have.
        Class::Configuration | Class::Renew => Remedy::Retry {
            after: Duration::from_secs(60),
        },
        Class::Import | Class::Permanent | Class::Split | Class::Sensitive | Class::Done => {
            Remedy::Never
        }
    };
    let mut error = ChannelError::refused(*code, remedy, detail);
    if matches!(
        error_table::classify(*code),
        Class::Configuration | Class::Renew
    ) {
        error.kind = ChannelErrorKind::Configuration;
    }
    match error_table::advice(*code) {
        Some((zh, en)) => error.advise(format!("{zh}（{code}）"), format!("{en} ({code})")),
        None => error,
    }
}
