//! What the bridge calls: tokens, `sync_msg`, sending, sessions, accounts, media (WeCom notes, 3, 4.6, 5).

use serde_json::{Value, json};

use super::{Kf, Session, state::Code};
use crate::{
    call::{Answer, Call, Peer},
    content::{Author, Status},
    faults::Twist,
    multipart,
    wire::PeerName,
};

/// How long an access token lives.
const TOKEN_LIFE: i64 = 7_200_000;
/// After the customer's last message.
const WINDOW: i64 = 48 * 3_600_000;

/// An error code and its words.
pub(super) type Refusal = (i64, &'static str);

fn refused((code, words): Refusal) -> Answer {
    let hint = format!(
        "{words}, hint: [sandbox], more info at https://open.work.weixin.qq.com/devtool/query?e={code}"
    );
    Answer::json(200, &json!({ "errcode": code, "errmsg": hint })).with_code(code)
}

fn ok(mut value: Value) -> Answer {
    value["errcode"] = 0.into();
    value["errmsg"] = "ok".into();
    Answer::json(200, &value).with_code(0)
}

impl Peer for Kf {
    fn name(&self) -> PeerName {
        PeerName::Kf
    }

    fn operation(&self, call: &Call) -> &'static str {
        match call.path.as_str() {
            "/cgi-bin/gettoken" => "kf.token",
            "/cgi-bin/kf/sync_msg" => "kf.sync",
            "/cgi-bin/kf/send_msg" | "/cgi-bin/kf/send_msg_on_event" => "kf.send",
            "/cgi-bin/kf/service_state/trans" => "kf.trans",
            "/cgi-bin/media/upload" => "kf.upload",
            "/cgi-bin/media/get" => "kf.media",
            _ => "kf.other",
        }
    }

    fn who(&self, call: &Call) -> Vec<String> {
        let body = call.json().unwrap_or_default();
        let named = ["touser", "external_userid", "open_kfid"].map(|name| body[name].as_str());
        named.into_iter().flatten().map(str::to_owned).collect()
    }

    fn answer(&self, call: &Call, twist: Option<Twist>) -> Answer {
        self.route(call, twist.as_ref()).unwrap_or_else(refused)
    }

    fn failure(&self, code: i64) -> Answer {
        refused((code, "ordered"))
    }

    fn expire(&self, _: &Call) -> Answer {
        self.displace_tokens();
        refused((42001, "access_token expired"))
    }
}

impl Kf {
    fn route(&self, call: &Call, twist: Option<&Twist>) -> Result<Answer, Refusal> {
        let path = call.path.as_str();
        if path == "/cgi-bin/gettoken" {
            return self.token(call);
        }
        self.knows(call)?;
        let body = call.json().unwrap_or_default();
        match path {
            "/cgi-bin/kf/sync_msg" => self.sync(&body, twist),
            "/cgi-bin/kf/send_msg" => self.send(&body, twist),
            "/cgi-bin/kf/send_msg_on_event" => self.greet(&body),
            "/cgi-bin/kf/service_state/get" => self.session(&body),
            "/cgi-bin/kf/service_state/trans" => self.transfer(&body),
            "/cgi-bin/kf/customer/batchget" => self.batch(&body),
            "/cgi-bin/kf/account/list" => Ok(ok(json!({ "account_list": [{
                "open_kfid": self.0.settings.open_kfid, "name": self.0.settings.name, "avatar": "", "manage_privilege": true }] }))),
            "/cgi-bin/kf/servicer/list" => self.servicers(call),
            "/cgi-bin/media/upload" => self.upload(call),
            "/cgi-bin/media/get" => self.media(call),
            _ => Ok(Answer::new(404, "text/html", "404")),
        }
    }

    fn token(&self, call: &Call) -> Result<Answer, Refusal> {
        let settings = &self.0.settings;
        if call.param("corpid") != Some(&settings.corp_id) {
            return Err((40013, "invalid corpid"));
        }
        if call.param("corpsecret") != Some(&settings.secret) {
            return Err((40001, "invalid credential"));
        }
        let now = self.0.world.now();
        let mut state = self.0.state.lock();
        let alive = state.token.clone().filter(|(_, until)| *until > now);
        let (token, until) = match alive {
            Some(token) => token,
            None => {
                state.tokens_issued += 1;
                (self.0.world.chance.letters(200), now + TOKEN_LIFE)
            }
        };
        state.token = Some((token.clone(), until));
        Ok(ok(
            json!({ "access_token": token, "expires_in": (until - now) / 1000 }),
        ))
    }

    fn knows(&self, call: &Call) -> Result<(), Refusal> {
        let given = call.param("access_token").unwrap_or_default();
        if given.is_empty() {
            return Err((41001, "access_token missing"));
        }
        let now = self.0.world.now();
        match &self.0.state.lock().token {
            Some((token, until)) if token == given && *until > now => Ok(()),
            _ => Err((40014, "invalid access_token")),
        }
    }

    fn account(&self, body: &Value) -> Result<(), Refusal> {
        match body["open_kfid"].as_str() {
            Some(id) if id == self.0.settings.open_kfid => Ok(()),
            _ => Err((95000, "invalid open_kfid")),
        }
    }

    fn sync(&self, body: &Value, twist: Option<&Twist>) -> Result<Answer, Refusal> {
        self.account(body)?;
        let world = &self.0.world;
        let state = self.0.state.lock();
        if let Some(token) = body["token"].as_str() {
            let known = state.sync_tokens.iter().find(|(known, _)| known == token);
            if known.is_none_or(|(_, until)| *until <= world.now()) {
                return Err((95007, "invalid msg token"));
            }
        }
        // `CUR<place>`; one that ends in `e` was given with an empty page.
        let cursor = body["cursor"].as_str().unwrap_or("CUR0");
        if cursor.is_empty() || cursor.len() > 64 {
            return Err((40058, "invalid cursor"));
        }
        let (place, empty) = match cursor.strip_suffix('e') {
            Some(place) => (place, true),
            None => (cursor, false),
        };
        let from: usize = place
            .strip_prefix("CUR")
            .and_then(|place| place.parse().ok())
            .filter(|place| *place <= state.rows.len())
            .ok_or((40058, "invalid cursor"))?;
        let ordered = twist == Some(&Twist::Empty);
        if ordered || (self.0.settings.empty_pages && !empty && from < state.rows.len()) {
            let page =
                json!({ "next_cursor": format!("CUR{from}e"), "has_more": 1, "msg_list": [] });
            return Ok(ok(page));
        }
        let limit = body["limit"].as_u64().unwrap_or(1000);
        let limit = usize::try_from(limit)
            .unwrap_or(1000)
            .min(1000)
            .min(self.0.settings.page);
        let (limit, early) = match twist {
            Some(Twist::PageOf(rows)) => (limit.min(*rows as usize), 0),
            Some(Twist::Replay(rows)) => (limit, *rows as usize),
            _ => (limit, self.0.settings.overlap),
        };
        let next = from.saturating_add(limit).min(state.rows.len());
        // What came with the page before may come with this one, too.
        let first = from.saturating_sub(early);
        let page = &state.rows[first..next];
        let more = i32::from(next < state.rows.len());
        Ok(ok(
            json!({ "next_cursor": format!("CUR{next}"), "has_more": more, "msg_list": page }),
        ))
    }

    fn send(&self, body: &Value, twist: Option<&Twist>) -> Result<Answer, Refusal> {
        self.account(body)?;
        let world = &self.0.world;
        let id = self.message_id(body)?;
        let said = self.said(body)?;
        let customer = body["touser"].as_str().unwrap_or_default();
        let mut state = self.0.state.lock();
        let used = state.used.contains(&id);
        let person = state
            .people
            .get_mut(customer)
            .ok_or((40096, "invalid external userid"))?;
        if used {
            return Err((40058, "msgid already exist"));
        }
        let window = person.wrote_at.is_some_and(|at| world.now() - at < WINDOW);
        if !matches!(person.session, Session::New | Session::Assistant) {
            return Err((95018, "send msg session status invalid"));
        }
        if !window {
            return Err((95002, "send msg time limit"));
        }
        if person.sent >= self.0.settings.allowance {
            return Err((95001, "send msg count limit"));
        }
        person.sent += 1;
        person.session = Session::Assistant;
        let mut message = world.message(Author::Account, Status::Delivered, said);
        message.key = Some(id.clone());
        state.used.insert(id.clone());
        drop(state);
        if let Some(Twist::SendFail(kind)) = twist {
            // Taken, and never shown.
            self.fails_later(customer, &id, i64::from(*kind));
        } else {
            self.shows(customer, message);
        }
        Ok(ok(json!({ "msgid": id })))
    }

    fn servicers(&self, call: &Call) -> Result<Answer, Refusal> {
        if call.param("open_kfid") != Some(&self.0.settings.open_kfid) {
            return Err((95000, "invalid open_kfid"));
        }
        let state = self.0.state.lock();
        // 0 is serving here, where events say 1 (KF notes, 3.4, 3.8).
        let line = |(id, serving): (&String, &bool)| json!({ "userid": id, "status": i32::from(!serving), "stop_type": 0 });
        let list: Vec<Value> = state.servicers.iter().map(line).collect();
        Ok(ok(json!({ "servicer_list": list })))
    }

    fn greet(&self, body: &Value) -> Result<Answer, Refusal> {
        let world = &self.0.world;
        let id = self.message_id(body)?;
        let said = self.said(body)?;
        if !matches!(body["msgtype"].as_str(), Some("text" | "msgmenu")) {
            return Err((40058, "invalid msgtype"));
        }
        let code = body["code"].as_str().unwrap_or_default();
        let mut state = self.0.state.lock();
        let place = state.codes.iter().position(|known| known.code == code);
        let code = state.codes.remove(place.ok_or((41050, "invalid code"))?);
        if code.until < world.now() {
            return Err((41050, "code expired"));
        }
        let customer = code.customer;
        let session = state.people.get(&customer).map(|person| person.session);
        if code.session.is_some() && code.session != session {
            return Err((41050, "the session is in another state"));
        }
        if !code.menu && body["msgtype"] != "text" {
            return Err((40058, "invalid msgtype"));
        }
        let mut message = world.message(Author::Account, Status::Delivered, said);
        message.key = Some(id.clone());
        drop(state);
        self.shows(&customer, message);
        Ok(ok(json!({ "msgid": id })))
    }

    /// An empty one is refused, as one that is too long or has other characters (KF notes, 3.5).
    fn message_id(&self, body: &Value) -> Result<String, Refusal> {
        match body.get("msgid") {
            None => Ok(self.0.world.chance.letters(24)),
            Some(id) => {
                let id = id.as_str().unwrap_or_default();
                let fits = (1..=32).contains(&id.len())
                    && id
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
                fits.then(|| id.to_owned()).ok_or((40058, "invalid msgid"))
            }
        }
    }

    fn session(&self, body: &Value) -> Result<Answer, Refusal> {
        self.account(body)?;
        let customer = body["external_userid"].as_str().unwrap_or_default();
        let state = self.0.state.lock();
        let person = state
            .people
            .get(customer)
            .ok_or((40096, "invalid external userid"))?;
        let mut answer = json!({ "service_state": person.session.number() });
        if let Some(servicer) = &person.servicer {
            answer["servicer_userid"] = servicer.as_str().into();
        }
        Ok(ok(answer))
    }

    fn transfer(&self, body: &Value) -> Result<Answer, Refusal> {
        self.account(body)?;
        let customer = body["external_userid"].as_str().unwrap_or_default();
        let next = body["service_state"].as_i64().and_then(Session::of);
        let next = next.ok_or((40058, "invalid service_state"))?;
        let wanted = body["servicer_userid"].as_str().unwrap_or_default();
        let mut state = self.0.state.lock();
        let serving = state.servicers.get(wanted).copied();
        let person = state
            .people
            .get_mut(customer)
            .ok_or((40096, "invalid external userid"))?;
        let same = next == Session::Servicer && person.servicer.as_deref() == Some(wanted);
        if same || !person.session.may_become(next) {
            state.refused_moves += 1;
            return Err((95016, "service state change not allowed"));
        }
        match (next, serving) {
            (Session::Servicer, None) => return Err((95014, "user is not a servicer")),
            (Session::Servicer, Some(false)) => return Err((95019, "servicer is not serving")),
            _ => {}
        }
        person.session = next;
        person.servicer = (next == Session::Servicer).then(|| wanted.to_owned());
        let code = Code::after(next, customer, &self.0.world);
        let answer = json!({ "msg_code": code.code });
        state.codes.push(code);
        drop(state);
        self.changed(customer);
        Ok(ok(answer))
    }

    fn batch(&self, body: &Value) -> Result<Answer, Refusal> {
        let asked = body["external_userid_list"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if asked.is_empty() || asked.len() > 100 {
            return Err((40058, "external_userid_list must have 1 to 100"));
        }
        let state = self.0.state.lock();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for id in asked.iter().filter_map(Value::as_str) {
            match state.people.get(id) {
                Some(person) => known.push(json!({ "external_userid": id, "nickname": person.nickname, "avatar": "", "gender": 0 })),
                None => unknown.push(id.to_owned()),
            }
        }
        Ok(ok(
            json!({ "customer_list": known, "invalid_external_userid": unknown }),
        ))
    }

    fn upload(&self, call: &Call) -> Result<Answer, Refusal> {
        let kind = call.param("type").unwrap_or_default();
        let largest = match kind {
            "image" | "video" => 10 << 20,
            "voice" => 2 << 20,
            "file" => 20 << 20,
            _ => return Err((40004, "invalid media type")),
        };
        let form = call.header("content-type").unwrap_or_default();
        let parts = multipart::read(form, &call.body).unwrap_or_default();
        let part = parts.into_iter().find(|part| part.name == "media");
        let part = part.ok_or((41005, "media data missing"))?;
        let name = part.file_name.filter(|name| !name.is_empty());
        let name = name.ok_or((41005, "filename missing"))?;
        if part.bytes.len() <= 5 {
            return Err((44001, "empty media"));
        }
        if part.bytes.len() > largest {
            return Err((45001, "media too large"));
        }
        let world = &self.0.world;
        let kept = world
            .media
            .keep(&world.chance, &name, part.mime.as_deref(), part.bytes);
        let handle = format!("KFUP{}", world.chance.letters(40));
        self.0
            .state
            .lock()
            .media
            .insert(handle.clone(), kept.id.clone());
        let created = (world.now() / 1000).to_string();
        Ok(ok(
            json!({ "type": kind, "media_id": handle, "created_at": created }),
        ))
    }

    fn media(&self, call: &Call) -> Result<Answer, Refusal> {
        let handle = call.param("media_id").unwrap_or_default();
        let kept = self.0.state.lock().media.get(handle).cloned();
        let media = kept.and_then(|id| self.0.world.media.get(&id));
        let media = media.ok_or((40007, "invalid media_id"))?;
        let disposition = format!("attachment; filename=\"{}.bin\"", media.id);
        Ok(Answer::new(200, &media.mime, media.bytes)
            .with_header("content-disposition", disposition))
    }
}
