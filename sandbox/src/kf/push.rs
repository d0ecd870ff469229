//! Rows that can be pulled, and the callback that says so: encrypted, signed over four parts, tried four times
//! (WeCom notes, 1.3, 3.1).

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Kf;
use crate::{
    courier::{Lanes, Outcome, Parcel, attempt},
    faults::CallbackPlan,
    wechat::crypto::{Key, sign},
    wire::PeerName,
};

/// How long a callback's token serves (KF notes, 3.1).
const TOKEN_LIFE: i64 = 600_000;

impl Kf {
    /// Something happened: a row of the system's.
    pub(super) fn happens(&self, event: Value) -> oneshot::Receiver<Outcome> {
        self.row(json!({ "origin": 4, "msgtype": "event", "event": event }))
    }

    /// Adds a row and tells the bridge. The receiver gets the outcome of the telling.
    pub(super) fn row(&self, mut row: Value) -> oneshot::Receiver<Outcome> {
        let world = &self.0.world;
        let mut state = self.0.state.lock();
        row["msgid"] = format!("kfmsg-{:06}-{}", state.rows.len(), world.chance.letters(6)).into();
        row["send_time"] = (world.now() / 1000).into();
        state.rows.push(row);
        let token = format!("ENC{}", world.chance.letters(32));
        state.sync_tokens.retain(|(_, until)| *until > world.now());
        state
            .sync_tokens
            .push((token.clone(), world.now() + TOKEN_LIFE));
        drop(state);
        self.tell(&token)
    }

    fn tell(&self, token: &str) -> oneshot::Receiver<Outcome> {
        let world = &self.0.world;
        let (done, outcome) = oneshot::channel();
        let inbox = self.0.settings.inbox.clone();
        let plan = world.plan_callback("kf.callback", || vec![inbox.clone()]);
        let parcel = self.parcel(token, &plan);
        let hold = plan.reorder;
        let run = run(self.clone(), parcel, plan, done);
        Lanes::push(world, format!("kf:{inbox}"), hold, run);
        outcome
    }

    fn parcel(&self, token: &str, plan: &CallbackPlan) -> Option<Parcel> {
        let (world, settings) = (&self.0.world, &self.0.settings);
        let base = world.callback_url(&settings.inbox)?;
        let now = world.now() / 1000;
        let plain = format!(
            "<xml><ToUserName><![CDATA[{corp}]]></ToUserName><CreateTime>{now}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[{token}]]></Token><OpenKfId><![CDATA[{kf}]]></OpenKfId></xml>",
            corp = settings.corp_id,
            kf = settings.open_kfid,
        );
        let key = Key::parse(&settings.encoding_aes_key).ok()?;
        let encrypted = key.seal(&world.chance.bytes16(), &plain, &settings.corp_id);
        let (timestamp, nonce) = (now.to_string(), world.chance.letters(10));
        let signed_with = if plan.forge {
            "not the token"
        } else {
            settings.token.as_str()
        };
        let signature = sign(&[signed_with, &timestamp, &nonce, &encrypted]);
        let body = format!(
            "<xml><ToUserName><![CDATA[{}]]></ToUserName><AgentID><![CDATA[]]></AgentID><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>",
            settings.corp_id
        );
        Some(Parcel {
            peer: PeerName::Kf,
            operation: "kf.callback",
            url: format!("{base}?msg_signature={signature}&timestamp={timestamp}&nonce={nonce}"),
            content_type: Some("text/xml"),
            body: Bytes::from(body),
            plain: Some(plain),
            timeout: settings.push_timeout,
            fault: plan.label.clone(),
        })
    }

    /// Asks the bridge to prove itself, as saving the receive URL does (WeCom notes, 1.2). `Err` says what was wrong.
    pub async fn verify_callback(&self) -> Result<(), String> {
        let (world, settings) = (&self.0.world, &self.0.settings);
        let base = world
            .callback_url(&settings.inbox)
            .ok_or("no bridge is known")?;
        let echo = world
            .chance
            .between(10_u64.pow(17), 10_u64.pow(18))
            .to_string();
        let key = Key::parse(&settings.encoding_aes_key).map_err(|error| error.to_string())?;
        let encrypted = key.seal(&world.chance.bytes16(), &echo, &settings.corp_id);
        let (timestamp, nonce) = ((world.now() / 1000).to_string(), world.chance.letters(10));
        let signature = sign(&[&settings.token, &timestamp, &nonce, &encrypted]);
        let parcel = Parcel {
            peer: PeerName::Kf,
            operation: "kf.callback",
            url: format!(
                "{base}?msg_signature={signature}&timestamp={timestamp}&nonce={nonce}&echostr={}",
                crate::world::urlencode(&encrypted)
            ),
            content_type: None,
            body: Bytes::new(),
            plain: None,
            timeout: settings.push_timeout,
            fault: None,
        };
        let reply = attempt(world, &parcel, 1, |_| None).await?;
        match (reply.status, &reply.body[..] == echo.as_bytes()) {
            (200, true) => Ok(()),
            (status, _) => Err(format!("expected 200 and {echo}, got {status}")),
        }
    }
}

async fn run(kf: Kf, parcel: Option<Parcel>, plan: CallbackPlan, done: oneshot::Sender<Outcome>) {
    let outcome = deliver(&kf, parcel, &plan).await;
    // Whoever wanted to know may have gone.
    let _ = done.send(outcome);
}

async fn deliver(kf: &Kf, parcel: Option<Parcel>, plan: &CallbackPlan) -> Outcome {
    let Some(parcel) = parcel else {
        return Outcome::dropped("no bridge is known");
    };
    if plan.drop {
        return Outcome::dropped("dropped by a fault");
    }
    if !plan.slow.is_zero() {
        tokio::time::sleep(plan.slow).await;
    }
    let world = &kf.0.world;
    let mut number = 0;
    loop {
        number += 1;
        let reply = attempt(world, &parcel, number, |_| None).await;
        let taken = reply.as_ref().is_ok_and(|reply| reply.status == 200);
        if taken || number >= kf.0.settings.push_attempts {
            if taken && plan.duplicate {
                let _ = attempt(world, &parcel, number + 1, |_| None).await;
            }
            return Outcome::of(number, taken, &reply);
        }
    }
}
