//! Customer messages out. Media are uploaded first; what the platform cannot take goes as a link.

use std::borrow::Cow;

use bridge_convertors::wechat::{Wire, send::CustomSend};
use bridge_core::{
    channel::{ChannelError, ChannelErrorKind, Dispatch, Receipt},
    convert::Convertor,
    error::Remedy,
};

use super::{WeChat, media};

pub(super) async fn send(account: &WeChat, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
    match attempt(account, dispatch, false).await {
        // 40007: the platform no longer has the medium; upload it again, once.
        Err(error) if error.code == Some(40007) => attempt(account, dispatch, true).await,
        other => other,
    }
}

async fn attempt(
    account: &WeChat,
    dispatch: &Dispatch,
    afresh: bool,
) -> Result<Receipt, ChannelError> {
    let content = match dispatch.content.media().is_empty() {
        true => Cow::Borrowed(&dispatch.content),
        false => Cow::Owned(media::uploaded(account, dispatch.content.clone(), afresh).await?),
    };
    let written = account
        .words
        .write(&content, &account.capabilities)
        .map_err(|error| {
            ChannelError::new(ChannelErrorKind::Refused, Remedy::Never, error.to_string()).advise(
                "公众号无法显示这种内容",
                "official accounts cannot show this",
            )
        })?;
    for part in &written.parts {
        let Wire::Message(message) = part else {
            continue;
        };
        let body = CustomSend {
            touser: dispatch.to.as_str(),
            message,
        };
        account
            .api
            .post("/cgi-bin/message/custom/send", &body)
            .await?;
    }
    // The platform gives no id and no receipt, and nothing can be taken back (WeChat: 4.3).
    Ok(Receipt {
        external_id: None,
        lost: written.lost,
    })
}
