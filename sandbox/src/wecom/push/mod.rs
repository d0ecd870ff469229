//! Callbacks to the bridge: always sealed and signed over four parts, tried three times unchanged, and the
//! verification of a callback address (WeCom notes, 1.1 to 1.3).

use bytes::Bytes;
use tokio::sync::oneshot;

use super::Wecom;
use super::state::AppState;
use crate::courier::{Lanes, Outcome, Parcel, Reply, attempt};
use crate::faults::CallbackPlan;
use crate::settings::Format;
use crate::wechat::crypto::sign;
use crate::wechat::fields::Fields;
use crate::wire::PeerName;
use crate::world::{World, urlencode};

/// The deadline of a verification answer (WeCom notes, 1.2).
const VERIFICATION: std::time::Duration = std::time::Duration::from_secs(1);

const OPERATION: &str = "wecom.callback";

/// A callback to be.
pub(super) struct Letter {
    /// Which app's address and key.
    pub app: usize,
    /// What keeps its order.
    pub lane: String,
    /// Whom it concerns, for faults aimed at somebody.
    pub who: Vec<String>,
    /// The inner document.
    pub fields: Fields,
    /// `AgentID` of the envelope; "" in contact events.
    pub agent: String,
}

/// What is done once a callback has ended; the reply is the bridge's, where it was taken.
pub(super) type Ended = Box<dyn FnOnce(&Wecom, &Outcome, Option<Reply>) + Send + Sync>;

struct Push {
    wecom: Wecom,
    app: usize,
    ended: Ended,
    done: oneshot::Sender<Outcome>,
}

struct Try {
    number: u32,
    result: Result<Reply, String>,
}

impl Try {
    /// Only HTTP 200 is success.
    fn is_taken(&self) -> bool {
        self.result.as_ref().is_ok_and(|reply| reply.status == 200)
    }
}

impl Wecom {
    /// Sends a callback; the receiver gets the outcome.
    pub(super) fn post(&self, letter: Letter, ended: Ended) -> oneshot::Receiver<Outcome> {
        let world = &self.0.world;
        let (done, outcome) = oneshot::channel();
        let plan = world.plan_callback(OPERATION, || letter.who.clone());
        let parcel = self.parcel(&letter, &plan);
        let push = Push {
            wecom: self.clone(),
            app: letter.app,
            ended,
            done,
        };
        let hold = plan.reorder;
        Lanes::push(world, letter.lane, hold, push.run(parcel, plan));
        outcome
    }

    /// The request, ready to be sent as often as it takes; none while no bridge is known.
    fn parcel(&self, letter: &Letter, plan: &CallbackPlan) -> Option<Parcel> {
        let world = &self.0.world;
        let plain = letter.fields.write(Format::Xml);
        let state = self.0.state.lock();
        let app = state.apps.get(letter.app)?;
        if !app.settings.receives {
            return None;
        }
        let base = world.callback_url(&app.settings.inbox)?;
        let (query, encrypted) = self.sealed(app, &plain, plan.forge);
        let body = Fields::new()
            .text("ToUserName", &self.0.settings.corp_id)
            .text("AgentID", &letter.agent)
            .text("Encrypt", encrypted);
        Some(Parcel {
            peer: PeerName::Wecom,
            operation: OPERATION,
            url: format!("{base}?{query}"),
            content_type: Some("text/xml"),
            body: Bytes::from(body.write(Format::Xml)),
            plain: Some(plain),
            timeout: self.0.settings.push_timeout,
            fault: plan.label.clone(),
        })
    }

    /// The query and the encrypted text.
    fn sealed(&self, app: &AppState, plain: &str, forged: bool) -> (String, String) {
        let world = &self.0.world;
        let corp = &self.0.settings.corp_id;
        let encrypted = app.key.seal(&world.chance.bytes16(), plain, corp);
        let (timestamp, nonce) = stamp(world);
        let token = match forged {
            true => "not the token",
            false => app.settings.token.as_str(),
        };
        let signature = sign(&[token, &timestamp, &nonce, &encrypted]);
        let query = format!("msg_signature={signature}&timestamp={timestamp}&nonce={nonce}");
        (query, encrypted)
    }

    /// Asks the bridge to prove itself, as saving the receive URL of an app does. `Err` says what was wrong.
    pub async fn verify_callback(&self, inbox: &str) -> Result<(), String> {
        let world = &self.0.world;
        let base = world.callback_url(inbox).ok_or("no bridge is known")?;
        let echo = world.chance.between(10_u64.pow(17), 10_u64.pow(18));
        let echo = echo.to_string();
        let (query, encrypted) = {
            let state = self.0.state.lock();
            let app = state.apps.iter().find(|app| app.settings.inbox == inbox);
            self.sealed(app.ok_or("no such app")?, &echo, false)
        };
        let parcel = Parcel {
            peer: PeerName::Wecom,
            operation: OPERATION,
            url: format!("{base}?{query}&echostr={}", urlencode(&encrypted)),
            content_type: None,
            body: Bytes::new(),
            plain: None,
            timeout: VERIFICATION,
            fault: None,
        };
        attempt(world, &parcel, 1, |_| None).await?.echoes(&echo)
    }
}

fn stamp(world: &World) -> (String, String) {
    (world.clock.seconds().to_string(), world.chance.letters(10))
}

impl Push {
    /// The first attempt keeps the lane; repeats do not hold up what comes next.
    async fn run(self, parcel: Option<Parcel>, plan: CallbackPlan) {
        if plan.drop {
            return self.dropped("the callback was dropped by an ordered fault");
        }
        let Some(parcel) = parcel else {
            return self.dropped("no bridge is known, or the app has no receive URL");
        };
        tokio::time::sleep(plan.slow).await;
        let first = self.try_once(&parcel, 1).await;
        if plan.duplicate {
            self.try_once(&parcel, 1).await;
        }
        if first.is_taken() || self.wecom.0.settings.push_attempts <= 1 {
            return self.finish(first);
        }
        let runtime = self.wecom.0.world.runtime.clone();
        runtime.spawn(self.go_on(parcel, first));
    }

    async fn go_on(self, parcel: Parcel, mut last: Try) {
        while last.number < self.wecom.0.settings.push_attempts && !last.is_taken() {
            last = self.try_once(&parcel, last.number + 1).await;
        }
        self.finish(last);
    }

    async fn try_once(&self, parcel: &Parcel, number: u32) -> Try {
        let inner = &self.wecom.0;
        let key = {
            let state = inner.state.lock();
            state.apps.get(self.app).map(|app| app.key.clone())
        };
        let corp = inner.settings.corp_id.clone();
        let reading = |body: &[u8]| {
            let document = crate::wechat::xml::read(std::str::from_utf8(body).ok()?).ok()?;
            key.as_ref()?.open(document.text_of("Encrypt"), &corp).ok()
        };
        let result = attempt(&inner.world, parcel, number, reading).await;
        Try { number, result }
    }

    fn finish(self, last: Try) {
        let outcome = Outcome::of(last.number, last.is_taken(), &last.result);
        let reply = last.result.ok().filter(|_| outcome.delivered());
        (self.ended)(&self.wecom, &outcome, reply);
        // Whoever pushed may not be waiting.
        let _ = self.done.send(outcome);
    }

    fn dropped(self, why: &str) {
        let outcome = Outcome::dropped(why);
        (self.ended)(&self.wecom, &outcome, None);
        let _ = self.done.send(outcome);
    }
}

#[cfg(test)]
mod tests;
