//! `kf/send_msg` under a `msgid` of ours, and what may be said by a code (WeCom: 3.5, 3.6).

use std::borrow::Cow;

use bridge_convertors::wecom::kf::write::is_repeat;
use bridge_core::{
    channel::{ChannelError, ChannelErrorKind, Dispatch, Receipt},
    convert::Convertor,
    error::Remedy,
    message::Content,
};
use serde_json::Value;

use super::{
    Kf, media, parts,
    session::{self, Session, harmless},
};

pub(super) async fn send(account: &Kf, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
    let Some((customer, kf)) = parts(&dispatch.to) else {
        let detail = format!("{} is no customer at a KF account", dispatch.to);
        return Err(ChannelError::new(
            ChannelErrorKind::Refused,
            Remedy::Never,
            detail,
        ));
    };
    if let Content::Event(event) = &dispatch.content {
        return session::carry_out(account, dispatch, customer, kf, event).await;
    }
    match attempt(account, dispatch, customer, kf, false).await {
        // 40007: the platform no longer has the medium; upload it again, once.
        Err(error) if error.code == Some(40007) => {
            attempt(account, dispatch, customer, kf, true).await
        }
        other => other,
    }
}

async fn attempt(
    account: &Kf,
    dispatch: &Dispatch,
    customer: &str,
    kf: &str,
    afresh: bool,
) -> Result<Receipt, ChannelError> {
    let content = match dispatch.content.media().is_empty() {
        true => Cow::Borrowed(&dispatch.content),
        false => Cow::Owned(media::uploaded(account, dispatch.content.clone(), afresh).await?),
    };
    let written = account.words.write(&content, &account.capabilities);
    let written = written.map_err(|error| {
        ChannelError::new(ChannelErrorKind::Refused, Remedy::Never, error.to_string())
            .advise("微信客服无法显示这种内容", "WeChat KF cannot show this")
    })?;
    let id = message_id(dispatch);
    let session = Session {
        account,
        peer: &dispatch.to,
        customer,
        kf,
    };
    for part in written.parts {
        say(&session, dispatch, &id, part).await?;
    }
    Ok(Receipt {
        external_id: Some(id),
        lost: written.lost,
    })
}

/// One message: as a greeting where there is a code for that, else as an ordinary one, else by the code of the session's
/// last change.
async fn say(
    session: &Session<'_>,
    dispatch: &Dispatch,
    id: &str,
    part: Value,
) -> Result<(), ChannelError> {
    let (account, kind) = (session.account, dispatch.content.kind());
    if account
        .say_by_code(session.peer, kind, true, id, &part)
        .await?
    {
        return Ok(());
    }
    let mut body = part.clone();
    body["touser"] = session.customer.into();
    body["open_kfid"] = session.kf.into();
    body["msgid"] = id.into();
    match account.api.post("/cgi-bin/kf/send_msg", &body).await {
        Ok(_) => Ok(()),
        // An earlier try went through, and only its answer was lost.
        Err(error) if dispatch.attempt > 1 && is_repeat(&error.detail) => Ok(()),
        Err(error) if matches!(error.code, Some(95013 | 95018)) => {
            let said = account
                .say_by_code(session.peer, kind, false, id, &part)
                .await;
            match said {
                Ok(true) => Ok(()),
                // A code that is good no more is as none.
                _ => Err(session.refusal(error).await),
            }
        }
        // With a `msgid` a send that may have happened is simply made again.
        Err(error) => Err(harmless(error)),
    }
}

/// At most 32 bytes of `[0-9a-zA-Z_-]`, the same for every try, and never that of another installation's dispatch.
fn message_id(dispatch: &Dispatch) -> String {
    format!("kb-{:x}-{:x}", dispatch.created_at.0, dispatch.id.0)
}
