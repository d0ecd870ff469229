//! `message/send` to one member (WeCom: 4.1): at the pace the platform keeps for a member, because what is beyond it
//! vanishes with errcode 0 (4.3).

use std::{borrow::Cow, time::Duration};

use bridge_convertors::wecom::app::Wire;
use bridge_core::{
    cache::{Admission, Pace},
    channel::{ChannelError, ChannelErrorKind, Dispatch, Receipt},
    convert::Convertor,
    error::Remedy,
};
use serde_json::Value;

use super::{Wecom, cards, media};

/// How long a message waits here for its turn; after that it is tried again.
const PATIENCE: Duration = Duration::from_secs(6);
/// An hour's limit is 1000 for a member: beyond a burst, one message in so long.
const HOURLY: Duration = Duration::from_millis(3700);

pub(super) async fn send(app: &Wecom, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
    match attempt(app, dispatch, false).await {
        // 40007: the platform no longer has the medium; upload it again, once.
        Err(error) if error.code == Some(40007) => attempt(app, dispatch, true).await,
        other => other,
    }
}

async fn attempt(app: &Wecom, dispatch: &Dispatch, afresh: bool) -> Result<Receipt, ChannelError> {
    let content = match dispatch.content.media().is_empty() {
        true => Cow::Borrowed(&dispatch.content),
        false => Cow::Owned(media::uploaded(app, dispatch.content.clone(), afresh).await?),
    };
    let written = app.words.write(&content, &app.capabilities);
    let written = written.map_err(|error| {
        ChannelError::new(ChannelErrorKind::Refused, Remedy::Never, error.to_string())
            .advise("企业微信无法显示这种内容", "WeCom cannot show this")
    })?;
    let mut sent = None;
    for part in written.parts {
        let Wire::Said(body) = part else { continue };
        turn(
            app,
            &member_key(app, dispatch),
            &pace(app.config.member_rate),
        )
        .await?;
        sent = Some(post(app, dispatch, body).await?);
    }
    Ok(Receipt {
        external_id: sent.flatten(),
        lost: written.lost,
    })
}

async fn post(
    app: &Wecom,
    dispatch: &Dispatch,
    mut body: Value,
) -> Result<Option<String>, ChannelError> {
    body["touser"] = dispatch.to.as_str().into();
    body["agentid"] = app.config.agent_id.into();
    let card = body.get("template_card").is_some();
    if card {
        body["template_card"]["task_id"] = task_id(dispatch).into();
    }
    let answer = match app.api.post("/cgi-bin/message/send", &body).await {
        Ok(answer) => answer,
        // An earlier try went through, and only its answer was lost: with a killed node, its count as well.
        Err(error) if card && error.code == Some(42014) => return Ok(None),
        Err(error) if card => return Err(of_card(error)),
        Err(error) => return Err(error),
    };
    // Some receivers wrong is a success to the platform; ours is the only one.
    let left_out = ["invaliduser", "unlicenseduser"]
        .iter()
        .filter_map(|name| answer[name].as_str())
        .find(|list| !list.is_empty());
    match left_out {
        Some(list) => Err(ChannelError::new(
            ChannelErrorKind::Refused,
            Remedy::Never,
            format!("the platform left out {list}"),
        )
        .advise(
            "该成员不存在、未激活、未授权或不在应用的可见范围内",
            "the member does not exist, is not activated or licensed, or is outside the app's visible range",
        )),
        None => Ok(cards::receipt(&answer)),
    }
}

/// A card's id is the same for every try, so that the platform shows it once (42014 for a repeat), and never that of
/// another installation's.
fn task_id(dispatch: &Dispatch) -> String {
    format!("kb-{:x}-{:x}", dispatch.created_at.0, dispatch.id.0)
}

fn of_card(error: ChannelError) -> ChannelError {
    match (error.code, error.remedy) {
        (Some(43012), _) => error.advise(
            "应用未设置接收消息的 URL，无法发送带按钮的卡片",
            "the app has no receive URL, which cards with buttons need",
        ),
        // Its task id makes a second try harmless.
        (None, Remedy::Unknown) => ChannelError {
            remedy: Remedy::retry_secs(1),
            ..error
        },
        _ => error,
    }
}

/// A member's name is the same in any case.
fn member_key(app: &Wecom, dispatch: &Dispatch) -> String {
    let to = dispatch.to.as_str().to_ascii_lowercase();
    let (corp, agent) = (&app.config.corp_id, app.config.agent_id);
    format!("wecom-member:{corp}:{agent}:{to}")
}

/// The pace at which one member may get messages: in no minute more than a burst and what is given out meanwhile.
fn pace(member_rate: u32) -> Pace {
    let burst = (member_rate / 2).max(1);
    let every = (Duration::from_secs(60) / (member_rate - burst).max(1)).max(HOURLY);
    Pace {
        every,
        ahead: every * (burst - 1),
        patience: PATIENCE,
    }
}

/// Waits for a turn, which all nodes give out together.
pub(super) async fn turn(app: &Wecom, key: &str, pace: &Pace) -> Result<(), ChannelError> {
    match app.cache.admit(key, pace).await {
        Ok(Admission::Granted { after }) if after.is_zero() => Ok(()),
        Ok(Admission::Granted { after }) => {
            app.clock.sleep(after + Duration::from_millis(1)).await;
            Ok(())
        }
        Ok(Admission::Refused { again }) => Err(ChannelError::new(
            ChannelErrorKind::Busy,
            Remedy::Retry { after: again },
            "no more messages may go there within this minute",
        )),
        // Better at the risk of a lost one than not at all.
        Err(error) => {
            tracing::debug!(%error, "no pace is kept");
            Ok(())
        }
    }
}
