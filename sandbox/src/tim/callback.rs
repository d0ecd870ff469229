//! Callbacks to the bridge: signed, 2 s, never repeated (Tencent IM: webhooks, 8 and 9).

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::Tim;
use super::state::Stored;
use crate::courier::{Lanes, Outcome, Parcel, attempt};
use crate::wire::PeerName;

/// `Sign`: SHA-256 over token and time, nothing between them.
pub(crate) fn sign(token: &str, time: &str) -> String {
    let digest = Sha256::digest(format!("{token}{time}").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A callback to be sent.
pub(super) struct Callback<'a> {
    /// The body; its `CallbackCommand` goes into the query too.
    pub body: Value,
    /// `RESTAPI`, `Web`, `iOS` …
    pub platform: &'a str,
    /// Whom it concerns, for faults aimed at somebody.
    pub who: Vec<String>,
    /// What must stay in order.
    pub lane: String,
}

impl Tim {
    /// Sends a callback; `after` runs with its outcome.
    pub(super) fn call_back(
        &self,
        callback: Callback<'_>,
        after: impl FnOnce(&Tim, &Outcome) + Send + 'static,
    ) -> oneshot::Receiver<Outcome> {
        let world = &self.0.world;
        let plan = world.plan_callback("tim.callback", || callback.who.clone());
        let parcel = self.parcel(&callback, plan.forge, plan.label.clone());
        let (done, outcome) = oneshot::channel();
        let tim = self.clone();
        let hold = plan.reorder;
        let work = async move {
            let outcome = match parcel {
                _ if plan.drop => Outcome::dropped("the callback was dropped by an ordered fault"),
                None => Outcome::dropped("no bridge is known"),
                Some(parcel) => {
                    tokio::time::sleep(plan.slow).await;
                    let outcome = tim.deliver(&parcel).await;
                    if plan.duplicate {
                        tim.deliver(&parcel).await;
                    }
                    outcome
                }
            };
            after(&tim, &outcome);
            // Whoever acted may not be waiting.
            let _ = done.send(outcome);
        };
        Lanes::push(world, callback.lane, hold, work);
        outcome
    }

    fn parcel(
        &self,
        callback: &Callback<'_>,
        forged: bool,
        fault: Option<String>,
    ) -> Option<Parcel> {
        let (world, settings) = (&self.0.world, &self.0.settings);
        let base = world.callback_url(&settings.inbox)?;
        let command = callback.body["CallbackCommand"]
            .as_str()
            .unwrap_or_default();
        let mut url = format!(
            "{base}?SdkAppid={}&CallbackCommand={command}&contenttype=json&ClientIP=127.0.0.1&OptPlatform={}",
            settings.sdk_app_id, callback.platform
        );
        if !settings.callback_token.is_empty() {
            let time = world.clock.seconds().to_string();
            let token = match forged {
                true => "not the token",
                false => settings.callback_token.as_str(),
            };
            url.push_str(&format!("&RequestTime={time}&Sign={}", sign(token, &time)));
        }
        Some(Parcel {
            peer: PeerName::Tim,
            operation: "tim.callback",
            url,
            content_type: Some("application/json"),
            body: callback.body.to_string().into(),
            plain: None,
            timeout: settings.callback_timeout,
            fault,
        })
    }

    async fn deliver(&self, parcel: &Parcel) -> Outcome {
        let reply = attempt(&self.0.world, parcel, 1, |_| None).await;
        let taken = reply.as_ref().is_ok_and(|reply| {
            let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            reply.status == 200 && body["ActionStatus"] == "OK" && body["ErrorCode"] == 0
        });
        Outcome::of(1, taken, &reply)
    }

    /// The fields that the callbacks about one message share.
    pub(super) fn about(&self, command: &str, message: &Stored) -> Value {
        json!({
            "CallbackCommand": command, "From_Account": message.from, "To_Account": message.to,
            "MsgSeq": message.seq, "MsgRandom": message.random, "MsgTime": message.time, "MsgKey": message.key,
            "MsgId": message_id(message), "OnlineOnlyFlag": 0, "MsgBody": message.body,
            "CloudCustomData": message.cloud, "EventTime": self.0.world.now()
        })
    }
}

/// The newer id that comes beside the key.
pub(super) fn message_id(message: &Stored) -> String {
    format!("144115200000000001-{}-{}", message.time, message.random)
}

/// What concerns two accounts stays in order.
pub(super) fn lane(a: &str, b: &str) -> String {
    format!("tim:{}:{}", a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notes_vectors() {
        let own = "0f2ae464a9ef759a07b6c41519fa74d814a5d59fce7e37989334cb29364b6fd7";
        assert_eq!(sign("kefu-token-001", "1700000000"), own);
        let docs = "e78a85473bed2cdc8d6fa8c4d5a4ba4735fd64156e15a99516b9890293e135de";
        assert_eq!(sign("xxxyyy", "1669872112"), docs);
        let printed = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061";
        assert_eq!(sign("xxxxyyyy", "1669872112"), printed);
    }
}
