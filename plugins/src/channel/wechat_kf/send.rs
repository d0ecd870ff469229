//! `kf/send_msg` under a `msgid` of ours, and the greeting by `send_msg_on_event` (WeCom: 3.5, 3.6).

use std::borrow::Cow;

use bridge_convertors::wecom::kf::write::is_repeat;
use bridge_core::{
    channel::{ChannelError, ChannelErrorKind, Dispatch, Receipt},
    convert::Convertor,
    error::Remedy,
    message::ContentKind,
};
use serde_json::{Value, json};

use super::{Kf, media, parts};

pub(super) async fn send(account: &Kf, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
    match attempt(account, dispatch, false).await {
        // 40007: the platform no longer has the medium; upload it again, once.
        Err(error) if error.code == Some(40007) => attempt(account, dispatch, true).await,
        other => other,
    }
}

async fn attempt(account: &Kf, dispatch: &Dispatch, afresh: bool) -> Result<Receipt, ChannelError> {
    let Some((customer, kf)) = parts(&dispatch.to) else {
        let detail = format!("{} is no customer at a KF account", dispatch.to);
        return Err(ChannelError::new(
            ChannelErrorKind::Refused,
            Remedy::Never,
            detail,
        ));
    };
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
    for part in written.parts {
        if greeted(account, dispatch, &id, &part).await? {
            continue;
        }
        let mut body = part;
        body["touser"] = customer.into();
        body["open_kfid"] = kf.into();
        body["msgid"] = id.as_str().into();
        match account.api.post("/cgi-bin/kf/send_msg", &body).await {
            Ok(_) => {}
            // An earlier try went through, and only its answer was lost.
            Err(error) if dispatch.attempt > 1 && is_repeat(&error.detail) => {}
            Err(error) => return Err(later(idempotent(error))),
        }
    }
    Ok(Receipt {
        external_id: Some(id),
        lost: written.lost,
    })
}

/// At most 32 bytes of `[0-9a-zA-Z_-]`, the same for every try, and never that of another installation's dispatch.
fn message_id(dispatch: &Dispatch) -> String {
    format!("kb-{:x}-{:x}", dispatch.created_at.0, dispatch.id.0)
}

/// With a `msgid` a send that may have happened is simply made again.
fn idempotent(error: ChannelError) -> ChannelError {
    match error.remedy {
        Remedy::Unknown => ChannelError {
            remedy: Remedy::retry_secs(1),
            ..error
        },
        _ => error,
    }
}

/// A session that is ended, or in the hands of a servicer in the WeCom client, takes nothing from us until the customer
/// writes again and it begins anew (WeCom: 3.7).
fn later(error: ChannelError) -> ChannelError {
    match error.code {
        Some(95013 | 95018) => ChannelError {
            remedy: Remedy::Hold,
            ..error
        }
        .advise(
            "会话已结束或正由企业微信中的接待人员处理，客户再次发言后自动送出",
            "the session has ended or a servicer in WeCom has it; it goes out when they write again",
        ),
        _ => error,
    }
}

/// Sends it as the greeting of somebody who has just entered, where there is a code for that; whether it did.
async fn greeted(
    account: &Kf,
    dispatch: &Dispatch,
    id: &str,
    part: &Value,
) -> Result<bool, ChannelError> {
    if !matches!(
        dispatch.content.kind(),
        ContentKind::Text | ContentKind::Menu
    ) {
        return Ok(false);
    }
    let key = account.welcome_key(&dispatch.to);
    let Ok(Some(code)) = account.cache.get(&key).await else {
        return Ok(false);
    };
    // For exactly one caller: each code works once.
    if !account.cache.remove_if(&key, &code).await.unwrap_or(false) {
        return Ok(false);
    }
    let mut body = json!({ "code": code, "msgid": id });
    for name in ["msgtype", "text", "msgmenu"] {
        if !part[name].is_null() {
            body[name] = part[name].clone();
        }
    }
    let said = account
        .api
        .post("/cgi-bin/kf/send_msg_on_event", &body)
        .await;
    said.map(|_| true)
}
