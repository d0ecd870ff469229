//! Cards that are over: their buttons say so and do nothing more (WeCom: 4.1, 4.2). Sending a card is answered with a code by
//! which it may be changed, once and within 72 hours; it is kept with the dispatch, so that it outlives every restart.

use bridge_core::{
    channel::{ChannelError, Dispatch, Receipt},
    error::Remedy,
};
use serde_json::{Value, json};

use super::Wecom;

/// What a message is known by from now on: its `msgid` and, parted by a blank, a card's `response_code`.
pub(super) fn receipt(answer: &Value) -> Option<String> {
    let id = answer["msgid"].as_str()?;
    let code = answer["response_code"].as_str();
    Some(match code.filter(|code| !code.is_empty()) {
        Some(code) => format!("{id} {code}"),
        None => id.to_owned(),
    })
}

/// The `msgid` of it.
pub(super) fn message_id(receipt: &str) -> &str {
    receipt.split(' ').next().unwrap_or(receipt)
}

/// Has a card's buttons say that it is over. A card that cannot be changed any more stays as it is: a press of it is
/// answered in words.
pub(super) async fn over(
    app: &Wecom,
    dispatch: &Dispatch,
    card: &str,
    words: &str,
) -> Result<Receipt, ChannelError> {
    let Some((_, code)) = card.split_once(' ') else {
        return Ok(Receipt::default());
    };
    let body = json!({
        "userids": [dispatch.to.as_str()],
        "agentid": app.config.agent_id,
        "response_code": code,
        "button": { "replace_name": words },
    });
    let changed = app
        .api
        .post("/cgi-bin/message/update_template_card", &body)
        .await;
    match changed {
        Ok(_) => Ok(Receipt::default()),
        // The code is good once: a second try is harmless.
        Err(error) if error.remedy == Remedy::Unknown => Err(ChannelError {
            remedy: Remedy::retry_secs(1),
            ..error
        }),
        Err(error) if error.remedy == Remedy::Never => {
            tracing::debug!(%error, "a card stays as it is");
            Ok(Receipt::default())
        }
        Err(error) => Err(error),
    }
}
