//! Callbacks to the bridge: signed and sealed as the account is set up, tried three times unchanged, and what becomes of the
//! answer (WeChat notes, 1.3 to 1.7).

use bytes::Bytes;
use tokio::sync::oneshot;

use super::Wechat;
use super::acts::{Act, Desk};
use super::crypto::sign;
use super::fields::Fields;
use super::reply::{self, Verdict};
use super::state::AccountState;
use crate::content::{Author, Content, Status};
use crate::courier::{Lanes, Outcome, Parcel, Reply, attempt};
use crate::faults::CallbackPlan;
use crate::settings::{Format, Mode};
use crate::wire::PeerName;
use crate::world::{World, urlencode};

/// What the customer sees when the bridge does not answer (WeChat notes, 1.7).
pub(crate) const OUT_OF_ORDER: &str = "该公众号提供的服务出现故障，请稍后再试";
const MINI_OUT_OF_ORDER: &str = "该小程序提供的服务出现故障，请稍候再试";

/// A push under way.
pub(super) struct Push {
    wechat: Wechat,
    openid: String,
    /// The bubble whose status follows the push.
    bubble: u64,
    watched: bool,
    account: usize,
    done: oneshot::Sender<Outcome>,
}

impl Wechat {
    /// Does what the customer does: shows it, changes rights, pushes it. The receiver gets the outcome.
    pub(super) fn act(
        &self,
        openid: &str,
        act: &Act,
    ) -> Option<(crate::content::Message, oneshot::Receiver<Outcome>)> {
        let world = &self.0.world;
        if let Act::Event(event) = act {
            self.consent(openid, event);
        }
        let (account, fields, message) = self.note(openid, act)?;
        let (done, outcome) = oneshot::channel();
        let push = Push {
            wechat: self.clone(),
            openid: openid.to_owned(),
            bubble: message.id,
            watched: act.is_watched(),
            account,
            done,
        };
        let inbox = self.0.settings.accounts[account].inbox.clone();
        let plan =
            world.plan_callback("wechat.callback", || vec![openid.to_owned(), inbox.clone()]);
        let parcel = self.parcel(account, openid, &fields, &plan);
        let (lane, hold) = (format!("wechat:{openid}"), plan.reorder);
        Lanes::push(world, lane, hold, push.run(parcel, plan));
        Some((message, outcome))
    }

    /// What happens on the platform itself: the bubble, the rights, the fields to push.
    fn note(&self, openid: &str, act: &Act) -> Option<(usize, Fields, crate::content::Message)> {
        let world = &self.0.world;
        let now = world.now();
        let mut state = self.0.state.lock();
        let account = state.people.get(openid)?.account;
        let format = state.accounts[account].settings.format;
        let is_event = matches!(act, Act::Event(_));
        let msg_id = (!is_event).then(|| state.next_msg_id());
        let fields = {
            let state = &mut *state;
            act.fields(
                &mut Desk {
                    media_id: &mut |media| {
                        state.upload(media.family(), &media.id, now, &world.chance)
                    },
                    url: &|media| world.media_url(media),
                    id: &mut |kind| match kind {
                        "md5" => world.chance.hex(32),
                        kind => format!("{kind}-{}", world.chance.letters(12)),
                    },
                },
                format,
            )
        };
        let content = act.content(|media| world.media_url(media));
        let mut message = world.message(Author::Customer, Status::Sending, content);
        message.key = msg_id.map(|id| id.to_string());
        let person = state.people.get_mut(openid)?;
        person.active = now;
        person
            .allowance
            .trigger(act.trigger(), now, &self.0.settings.allowance);
        if let Act::Event(event) = act {
            person.following = event.following().unwrap_or(person.following);
        }
        let head = Fields::new()
            .text("ToUserName", &state.accounts[account].settings.original_id)
            .text("FromUserName", openid)
            .number("CreateTime", now / 1000);
        let fields = match msg_id {
            Some(id) => head.and(fields).number("MsgId", id),
            None => head.and(fields),
        };
        self.show(&mut state, openid, message.clone());
        self.announce(&state, openid);
        Some((account, fields, message))
    }

    /// The request, ready to be sent as often as it takes; none while no bridge is known.
    fn parcel(
        &self,
        account: usize,
        openid: &str,
        fields: &Fields,
        plan: &CallbackPlan,
    ) -> Option<Parcel> {
        let world = &self.0.world;
        let state = self.0.state.lock();
        let account = &state.accounts[account];
        let base = world.callback_url(&account.settings.inbox)?;
        let (query, body, plain) = envelope(world, account, openid, fields, plan.forge);
        Some(Parcel {
            peer: PeerName::Wechat,
            operation: "wechat.callback",
            url: format!("{base}?{query}"),
            content_type: Some(match account.settings.format {
                Format::Xml => "text/xml",
                Format::Json => "application/json",
            }),
            body: Bytes::from(body),
            plain,
            timeout: self.0.settings.push_timeout,
            fault: plan.label.clone(),
        })
    }

    /// Asks the bridge to prove itself, as saving the callback URL does (WeChat notes, 1.2). `Err` says what was wrong.
    pub async fn verify_callback(&self, inbox: &str) -> Result<(), String> {
        let world = &self.0.world;
        let base = world.callback_url(inbox).ok_or("no bridge is known")?;
        let account = self.0.settings.accounts.iter().find(|a| a.inbox == inbox);
        let token = &account.ok_or("no such account")?.token;
        let (timestamp, nonce) = stamp(world);
        let signature = sign(&[token, &timestamp, &nonce]);
        let echo = world
            .chance
            .between(10_u64.pow(17), 10_u64.pow(18))
            .to_string();
        let url = format!(
            "{base}?signature={signature}&echostr={echo}&timestamp={timestamp}&nonce={nonce}"
        );
        let parcel = Parcel {
            peer: PeerName::Wechat,
            operation: "wechat.callback",
            url,
            content_type: None,
            body: Bytes::new(),
            plain: None,
            timeout: self.0.settings.push_timeout,
            fault: None,
        };
        attempt(world, &parcel, 1, |_| None).await?.echoes(&echo)
    }
}

fn stamp(world: &World) -> (String, String) {
    let nonce = world.chance.between(100_000_000, 2_000_000_000);
    (world.clock.seconds().to_string(), nonce.to_string())
}

/// Query, body, and what the body means where it is encrypted.
fn envelope(
    world: &World,
    account: &AccountState,
    openid: &str,
    fields: &Fields,
    forged: bool,
) -> (String, String, Option<String>) {
    let settings = &account.settings;
    let (timestamp, nonce) = stamp(world);
    let token = match forged {
        true => "not the token",
        false => settings.token.as_str(),
    };
    let signature = sign(&[token, &timestamp, &nonce]);
    let query = format!(
        "signature={signature}&timestamp={timestamp}&nonce={nonce}&openid={}",
        urlencode(openid)
    );
    let plain = fields.write(settings.format);
    if settings.mode == Mode::Plain {
        return (query, plain, None);
    }
    let encrypted = account
        .key
        .seal(&world.chance.bytes16(), &plain, &settings.app_id);
    let signed = sign(&[token, &timestamp, &nonce, &encrypted]);
    let outer = match settings.mode {
        Mode::Compatible => fields.clone(),
        _ => Fields::new().text("ToUserName", &settings.original_id),
    };
    let body = outer.text("Encrypt", encrypted).write(settings.format);
    let query = format!("{query}&encrypt_type=aes&msg_signature={signed}");
    (query, body, Some(plain))
}

/// One attempt and what came of it.
struct Try {
    number: u32,
    result: Result<Reply, String>,
    verdict: Verdict,
}

impl Push {
    /// The first attempt keeps the lane; later ones do not hold up what the customer says next.
    async fn run(self, parcel: Option<Parcel>, plan: CallbackPlan) {
        if plan.drop {
            return self.dropped(
                "the callback was dropped by an ordered fault",
                "回调被安排的故障丢弃",
            );
        }
        let Some(parcel) = parcel else {
            return self.dropped("no bridge is known", "尚未连接客服桥");
        };
        tokio::time::sleep(plan.slow).await;
        let first = self.try_once(&parcel, 1).await;
        if plan.duplicate {
            // The platform would act on one answer only.
            self.try_once(&parcel, 1).await;
        }
        if matches!(first.verdict, Verdict::Again) {
            let world = self.wechat.0.world.clone();
            world.runtime.spawn(self.go_on(parcel, first));
        } else {
            self.finish(first);
        }
    }

    async fn go_on(self, parcel: Parcel, mut last: Try) {
        while last.number < self.wechat.0.settings.push_attempts
            && matches!(last.verdict, Verdict::Again)
        {
            last = self.try_once(&parcel, last.number + 1).await;
        }
        self.finish(last);
    }

    async fn try_once(&self, parcel: &Parcel, number: u32) -> Try {
        let inner = &self.wechat.0;
        let (settings, key) = {
            let state = inner.state.lock();
            let account = &state.accounts[self.account];
            (account.settings.clone(), account.key.clone())
        };
        let reading = |body: &[u8]| reply::decrypted(&settings, &key, body);
        let result = attempt(&inner.world, parcel, number, reading).await;
        let verdict = match &result {
            Ok(answer) => reply::judge(&settings, &key, &self.openid, answer),
            Err(_) => Verdict::Again,
        };
        Try {
            number,
            result,
            verdict,
        }
    }

    /// Shows what the answer, or its absence, means to the customer.
    fn finish(self, last: Try) {
        let outcome = Outcome::of(last.number, last.verdict.is_taken(), &last.result);
        let note = match &last.verdict {
            Verdict::Malformed(why) => Some(why.clone()),
            Verdict::Again => Some(format!("回调失败：{}", outcome.answer)),
            _ => None,
        };
        let status = match outcome.delivered() {
            true => Status::Delivered,
            false => Status::Failed,
        };
        self.wechat
            .progress(&self.openid, self.bubble, status, note);
        match last.verdict {
            Verdict::Nothing => {}
            Verdict::Says(passive) => self.wechat.passive_reply(&self.openid, passive),
            Verdict::Transfer => self.notice("已转接到微信客服"),
            Verdict::Malformed(_) | Verdict::Again => {
                let mini = self.wechat.0.settings.accounts[self.account].mini.is_some();
                self.notice(if mini {
                    MINI_OUT_OF_ORDER
                } else {
                    OUT_OF_ORDER
                });
            }
        }
        // Whoever pushed may not be waiting.
        let _ = self.done.send(outcome);
    }

    fn dropped(self, why: &str, note: &str) {
        let note = Some(note.to_owned());
        self.wechat
            .progress(&self.openid, self.bubble, Status::Failed, note);
        let _ = self.done.send(Outcome::dropped(why));
    }

    fn notice(&self, text: &str) {
        if self.watched {
            self.wechat
                .arrives(&self.openid, Author::System, Content::notice(text), None);
        }
    }
}
