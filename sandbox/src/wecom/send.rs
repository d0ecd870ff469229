//! `message/send`: to whom, how often, and what is answered (WeCom notes, 4.1 and 4.3).

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::{Value, json};

use super::Wecom;
use super::api::object;
use super::card;
use super::errors::{Refusal, refuse, refuse_with};
use super::state::{AppState, CardCode, MemberState, Sent, State};
use super::token::within;
use crate::call::Call;
use crate::content::Content;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// How long a response code changes its card.
const CODE: i64 = 72 * HOUR;
/// The duplicate check's interval, its default and its most, in seconds.
const REPEATS: (i64, i64) = (1800, 4 * 3600);

/// To whom a message goes, and who of those does not exist.
struct Receivers {
    /// UserIDs in lower case.
    members: Vec<String>,
    unknown: Vec<String>,
    parties: Vec<String>,
    tags: Vec<String>,
}

impl Wecom {
    /// `POST message/send`
    pub(super) fn send(&self, app: usize, call: &Call) -> Result<Value, Refusal> {
        let body = object(call)?;
        let world = &self.0.world;
        let now = world.now();
        let mut guard = self.0.state.lock();
        let state = &mut *guard;
        owns(state, app, &body)?;
        let receivers = receivers(state, &body)?;
        let content = self.content(state, app, &body)?;
        let repeats = repeats(&body)?;
        let members = state.apps[app].fresh(&receivers.members, repeats, now);
        if let Content::TemplateCard { card } = &content
            && !members.is_empty()
        {
            card::claim(&mut state.apps[app], card)?;
        }
        self.within_today(state, app, members.len())?;
        let mut bubbles = Vec::new();
        let msgid = world.chance.letters(48);
        for member in members {
            if !self.has_room(state, &member, app) {
                state.dropped += 1;
                continue;
            }
            let mut message = self.bubble(content.clone());
            message.key = Some(msgid.clone());
            bubbles.push((member.clone(), message.id));
            self.show(state, &member, app, message);
        }
        let mut answer = json!({
            "invaliduser": receivers.unknown.join("|"), "invalidparty": receivers.parties.join("|"),
            "invalidtag": receivers.tags.join("|"), "unlicenseduser": "", "msgid": msgid
        });
        let at = now;
        state.apps[app].remember(Sent {
            msgid: msgid.clone(),
            at,
            bubbles,
        });
        if matches!(&content, Content::TemplateCard { card } if card::answers(card)) {
            answer["response_code"] = self.code_for(state, app, &msgid).into();
        }
        Ok(answer)
    }

    /// A new response code for the card of a message.
    pub(super) fn code_for(&self, state: &mut State, app: usize, msgid: &str) -> String {
        let world = &self.0.world;
        let code = world.chance.letters(43);
        let expires = world.now() + CODE;
        let msgid = msgid.to_owned();
        let codes = &mut state.apps[app].codes;
        codes.retain(|_, code| world.now() < code.expires);
        codes.insert(code.clone(), CardCode { msgid, expires });
        code
    }

    /// What a member has got within a minute and an hour: the surplus vanishes.
    fn has_room(&self, state: &mut State, member: &str, app: usize) -> bool {
        let (minute, hour) = self.0.settings.member_rate;
        let now = self.0.world.now();
        let Some(member) = state.members.get_mut(member) else {
            return false;
        };
        let chat = member.chats.entry(app).or_default();
        within(&mut chat.hour, now, HOUR, hour).is_ok()
            && within(&mut chat.minute, now, MINUTE, minute).is_ok()
    }

    /// An app's person-messages of a day.
    fn within_today(&self, state: &mut State, app: usize, more: usize) -> Result<(), Refusal> {
        let today = self.0.world.now() / DAY;
        let members = state.members.len() as u64;
        let most = members * u64::from(self.0.settings.daily_share);
        let counted = &mut state.apps[app].today;
        if counted.0 != today {
            *counted = (today, 0);
        }
        counted.1 += more as u64;
        match most > 0 && counted.1 > most {
            true => Err(refuse(45009)),
            false => Ok(()),
        }
    }
}

impl AppState {
    /// Those who have not got the same message within the interval.
    fn fresh(&mut self, members: &[String], repeats: Option<(u64, i64)>, now: i64) -> Vec<String> {
        let Some((message, interval)) = repeats else {
            return members.to_vec();
        };
        self.repeats.retain(|_, until| now < *until);
        let mut fresh = Vec::new();
        for member in members {
            let key = (member.clone(), message);
            if self.repeats.insert(key, now + interval).is_none() {
                fresh.push(member.clone());
            }
        }
        fresh
    }
}

/// The app that a body names must be the token's.
pub(super) fn owns(state: &State, app: usize, body: &Value) -> Result<(), Refusal> {
    let named = body["agentid"].as_u64().ok_or_else(|| refuse(40056))?;
    if state.apps[app].settings.agent_id == named {
        return Ok(());
    }
    Err(match state.app_of(named) {
        Some(_) => refuse(301002),
        None => refuse(40056),
    })
}

/// What tells a repeated message, and for how long; none without the check.
fn repeats(body: &Value) -> Result<Option<(u64, i64)>, Refusal> {
    if body["enable_duplicate_check"] != 1 {
        return Ok(None);
    }
    let interval = match body.get("duplicate_check_interval") {
        None => REPEATS.0,
        Some(seconds) => seconds.as_i64().unwrap_or(0),
    };
    if !(1..=REPEATS.1).contains(&interval) {
        return Err(refuse_with(40058, "duplicate_check_interval"));
    }
    let mut hasher = DefaultHasher::new();
    let mut message = body.clone();
    // To the same receiver: whoever else gets it does not matter.
    message["touser"] = Value::Null;
    message.to_string().hash(&mut hasher);
    Ok(Some((hasher.finish(), interval * 1000)))
}

fn receivers(state: &State, body: &Value) -> Result<Receivers, Refusal> {
    let named = |field: &str, most: usize| -> Result<Vec<String>, Refusal> {
        let names = body[field].as_str().unwrap_or_default().split('|');
        let names: Vec<String> = names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        match names.len() > most {
            true => Err(refuse_with(
                40058,
                &format!("{field} names more than {most}"),
            )),
            false => Ok(names),
        }
    };
    let (users, parties, tags) = (
        named("touser", 1000)?,
        named("toparty", 100)?,
        named("totag", 100)?,
    );
    if users.is_empty() && parties.is_empty() && tags.is_empty() {
        return Err(refuse(82001));
    }
    let everybody = users.iter().any(|user| user == "@all");
    // The corp has one department, the root.
    let root = parties.iter().any(|party| party == "1");
    let mut found = Receivers {
        members: Vec::new(),
        unknown: Vec::new(),
        parties: parties.into_iter().filter(|party| party != "1").collect(),
        tags,
    };
    if everybody {
        (found.parties, found.tags) = (Vec::new(), Vec::new());
    }
    if everybody || root {
        let active = state.members.iter().filter(|(_, it)| reachable(it));
        found.members = active.map(|(id, _)| id.clone()).collect();
    }
    for user in users.iter().filter(|user| *user != "@all") {
        let id = user.to_ascii_lowercase();
        match state.members.get(&id).is_some_and(reachable) {
            false => found.unknown.push(id),
            true if found.members.contains(&id) => {}
            true => found.members.push(id),
        }
    }
    match found.members.is_empty() {
        true => Err(refuse(81013)),
        false => Ok(found),
    }
}

fn reachable(member: &MemberState) -> bool {
    member.settings.activated
}
