//! Changing what was sent: `message/recall` and `message/update_template_card` (WeCom notes, 4.2).

use serde_json::{Value, json};

use super::Wecom;
use super::api::object;
use super::card;
use super::errors::{Refusal, refuse, refuse_with};
use super::send::owns;
use super::state::State;
use crate::call::Call;
use crate::content::{Content, Message, Status, TemplateCard};

/// Messages may be recalled for this long, in milliseconds.
const RECALL: i64 = 24 * 3_600_000;

/// How a card changes.
enum Change {
    /// Its buttons say this instead, and do nothing more.
    Buttons(String),
    Card(Box<TemplateCard>),
}

impl Wecom {
    /// `POST message/recall`
    pub(super) fn recall(&self, app: usize, call: &Call) -> Result<Value, Refusal> {
        let body = object(call)?;
        let msgid = body["msgid"].as_str().unwrap_or_default();
        let mut state = self.0.state.lock();
        let sent = state.apps[app].sent(msgid);
        let sent = sent.ok_or_else(|| refuse_with(40058, "no such msgid"))?;
        if self.0.world.now() - sent.at > RECALL {
            return Err(refuse(42052));
        }
        for (member, bubble) in sent.bubbles.clone() {
            self.change(&mut state, &member, app, bubble, |message| {
                message.status = Status::Recalled;
            });
        }
        Ok(json!({}))
    }

    /// `POST message/update_template_card`
    pub(super) fn update_card(&self, app: usize, call: &Call) -> Result<Value, Refusal> {
        let body = object(call)?;
        let now = self.0.world.now();
        let mut guard = self.0.state.lock();
        let state = &mut *guard;
        owns(state, app, &body)?;
        let change = self.change_of(state, app, &body)?;
        let code = body["response_code"].as_str().unwrap_or_default();
        let elsewhere = |state: &State| {
            let mut others = state.apps.iter().enumerate();
            others.any(|(at, other)| at != app && other.codes.contains_key(code))
        };
        let known = match state.apps[app].codes.get(code) {
            Some(known) if now < known.expires => known.clone(),
            None if elsewhere(state) => return Err(refuse(42015)),
            // Which code the real platform has for this is unknown (WeCom notes, 4.2).
            _ => return Err(refuse_with(40058, "invalid response_code")),
        };
        let bubbles = state.apps[app].sent(&known.msgid);
        let bubbles = bubbles.map(|sent| sent.bubbles.clone()).unwrap_or_default();
        let (wanted, unknown) = wanted(&body, &bubbles)?;
        state.apps[app].codes.remove(code);
        for (member, bubble) in bubbles.iter().filter(|(it, _)| wanted.contains(it)) {
            self.change(state, member, app, *bubble, |message| change.apply(message));
        }
        Ok(json!({"invaliduser": unknown}))
    }

    fn change_of(&self, state: &State, app: usize, body: &Value) -> Result<Change, Refusal> {
        if let Some(name) = body["button"]["replace_name"].as_str() {
            return match name.is_empty() {
                true => Err(refuse(42038)),
                false => Ok(Change::Buttons(name.to_owned())),
            };
        }
        let new = &body["template_card"];
        if !new.is_object() {
            return Err(refuse_with(40058, "neither button nor template_card"));
        }
        let mut card = card::read(state, app, new, &|id| {
            self.uploaded(&state.uploads, id, "file").map(drop)
        })?;
        let done = new["replace_text"].as_str().filter(|text| !text.is_empty());
        card.done = done.map(str::to_owned);
        Ok(Change::Card(Box::new(card)))
    }

    /// Greys the buttons of one member's card: what `update_button` does.
    pub(super) fn grey(&self, member: &str, app: usize, bubble: u64, name: &str) {
        let mut state = self.0.state.lock();
        let change = Change::Buttons(name.to_owned());
        self.change(&mut state, member, app, bubble, |message| {
            change.apply(message);
        });
    }
}

impl Change {
    fn apply(&self, message: &mut Message) {
        let Content::TemplateCard { card } = &mut message.content else {
            return;
        };
        match self {
            Self::Buttons(name) => card.done = Some(name.clone()),
            Self::Card(new) => {
                let task_id = new.task_id.clone().or_else(|| card.task_id.take());
                *card = new.clone();
                card.task_id = task_id;
            }
        }
    }
}

/// Whose cards are to change, and who of those named has none.
fn wanted(body: &Value, bubbles: &[(String, u64)]) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let have: Vec<String> = bubbles.iter().map(|(member, _)| member.clone()).collect();
    // The corp has one department, the root, and no tags.
    let root = body["partyids"].as_array();
    let root = root.is_some_and(|parties| parties.iter().any(|party| party == 1));
    if body["atall"] == 1 || root {
        return Ok((have, Vec::new()));
    }
    let named = body["userids"].as_array().into_iter().flatten();
    let named: Vec<String> = named
        .filter_map(Value::as_str)
        .map(str::to_ascii_lowercase)
        .collect();
    if named.is_empty() {
        return Err(refuse(82001));
    }
    let (known, unknown): (Vec<String>, Vec<String>) =
        named.into_iter().partition(|name| have.contains(name));
    match known.is_empty() {
        true => Err(refuse(81013)),
        false => Ok((known, unknown)),
    }
}
