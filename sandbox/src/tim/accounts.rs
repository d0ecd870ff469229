//! Accounts, presence, profiles (Tencent IM: accounts, status, profile, 4).

use serde_json::{Value, json};

use super::Tim;
use super::callback::Callback;
use super::errors::{Refusal, done, refuse};
use super::state::{Account, Presence, State};
use crate::call::Answer;

/// The longest UserID, in bytes, and the longest profile value.
const USER_ID: usize = 32;
const PROFILE_VALUE: usize = 500;

impl Tim {
    /// `im_open_login_svc/account_import`
    pub(super) fn import(&self, body: &Value) -> Result<Answer, Refusal> {
        let user_id = user_id(&body["UserID"])?;
        let text = |name: &str| body[name].as_str();
        let too_long = |value: Option<&str>| value.is_some_and(|v| v.len() > PROFILE_VALUE);
        if too_long(text("Nick")) || too_long(text("FaceUrl")) {
            return Err(refuse(40601));
        }
        let mut state = self.0.state.lock();
        let account = state.accounts.entry(user_id.clone()).or_default();
        if let Some(nick) = text("Nick") {
            account.nick = nick.to_owned();
        }
        if let Some(face) = text("FaceUrl") {
            account.face = face.to_owned();
        }
        self.profile_changed(&state, &user_id);
        Ok(done(json!({})))
    }

    /// `im_open_login_svc/multiaccount_import`
    pub(super) fn import_many(&self, body: &Value) -> Result<Answer, Refusal> {
        let accounts = list(&body["Accounts"], 100)?;
        let mut state = self.0.state.lock();
        let mut failed = Vec::new();
        for account in accounts {
            match user_id(account) {
                Ok(user_id) => drop(state.accounts.entry(user_id).or_default()),
                Err(_) => failed.push(account.clone()),
            }
        }
        Ok(done(json!({"FailAccounts": failed})))
    }

    /// `im_open_login_svc/account_check`
    pub(super) fn check(&self, body: &Value) -> Result<Answer, Refusal> {
        let items = list(&body["CheckItem"], 100)?;
        let state = self.0.state.lock();
        let results = items.iter().map(|item| {
            let user_id = item["UserID"].as_str().unwrap_or_default();
            let status = match state.accounts.contains_key(user_id) {
                true => "Imported",
                false => "NotImported",
            };
            json!({"UserID": user_id, "ResultCode": 0, "ResultInfo": "", "AccountStatus": status})
        });
        Ok(done(json!({"ResultItem": results.collect::<Vec<_>>()})))
    }

    /// `im_open_login_svc/kick`
    pub(super) fn kick(&self, body: &Value) -> Result<Answer, Refusal> {
        let user_id = user_id(&body["UserID"])?;
        let now = self.0.world.clock.seconds();
        {
            let mut state = self.0.state.lock();
            let account = state
                .accounts
                .get_mut(&user_id)
                .ok_or_else(|| refuse(70107))?;
            account.sig_floor = now;
            account.clients.clear();
            self.announce(&state, &user_id);
        }
        self.state_changed(&user_id, "Logout", "Unregister", "Unknown");
        Ok(done(json!({})))
    }

    /// `openim/query_online_status`
    pub(super) fn online(&self, body: &Value) -> Result<Answer, Refusal> {
        let accounts = list(&body["To_Account"], 500)?;
        let detail = body["IsNeedDetail"] == 1;
        let state = self.0.state.lock();
        let (mut found, mut errors) = (Vec::new(), Vec::new());
        for user_id in accounts.iter().filter_map(Value::as_str) {
            match state.accounts.get(user_id) {
                Some(account) => found.push(online_line(user_id, account, detail)),
                None => errors.push(json!({"To_Account": user_id, "ErrorCode": 70107})),
            }
        }
        let mut fields = json!({"QueryResult": found});
        if !errors.is_empty() {
            fields["ErrorList"] = errors.into();
        }
        Ok(done(fields))
    }

    /// `profile/portrait_set`
    pub(super) fn portrait_set(&self, body: &Value) -> Result<Answer, Refusal> {
        let user_id = user_id(&body["From_Account"])?;
        let items = list(&body["ProfileItem"], 100)?;
        let long = |item: &Value| {
            item["Value"]
                .as_str()
                .is_some_and(|v| v.len() > PROFILE_VALUE)
        };
        if items.iter().any(long) {
            return Err(refuse(40601));
        }
        let mut state = self.0.state.lock();
        let account = state
            .accounts
            .get_mut(&user_id)
            .ok_or_else(|| refuse(70107))?;
        for item in items {
            let (tag, value) = (item["Tag"].as_str().unwrap_or_default(), &item["Value"]);
            match (tag, value.as_str()) {
                ("Tag_Profile_IM_Nick", Some(nick)) => account.nick = nick.to_owned(),
                ("Tag_Profile_IM_Image", Some(face)) => account.face = face.to_owned(),
                _ => drop(account.profile.insert(tag.to_owned(), value.clone())),
            }
        }
        self.profile_changed(&state, &user_id);
        Ok(done(json!({})))
    }

    /// `profile/portrait_get`
    pub(super) fn portrait_get(&self, body: &Value) -> Result<Answer, Refusal> {
        let accounts = list(&body["To_Account"], 100)?;
        let tags = list(&body["TagList"], 100)?;
        let state = self.0.state.lock();
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for user_id in accounts.iter().filter_map(Value::as_str) {
            match state.accounts.get(user_id) {
                Some(account) => found.push(json!({
                    "To_Account": user_id, "ResultCode": 0, "ResultInfo": "",
                    "ProfileItem": profile(account, tags)
                })),
                None => failed.push(user_id),
            }
        }
        Ok(done(
            json!({"UserProfileItem": found, "Fail_Account": failed}),
        ))
    }

    /// A name or picture changed: agents see it in their lists.
    fn profile_changed(&self, state: &State, user_id: &str) {
        self.announce(state, user_id);
        for agent in &state.agents {
            self.announce_chat(state, agent, user_id);
        }
    }

    /// `State.StateChange` to the bridge (Tencent IM: webhooks, 9.4).
    pub(super) fn state_changed(
        &self,
        user_id: &str,
        action: &str,
        reason: &str,
        platform: &str,
    ) -> tokio::sync::oneshot::Receiver<crate::courier::Outcome> {
        let body = json!({
            "CallbackCommand": "State.StateChange", "EventTime": self.0.world.now(),
            "Info": {"Action": action, "To_Account": user_id, "Reason": reason}
        });
        let callback = Callback {
            body,
            platform,
            who: vec![user_id.to_owned()],
            lane: format!("tim-state:{user_id}"),
        };
        self.call_back(callback, |_, _| ())
    }
}

fn user_id(value: &Value) -> Result<String, Refusal> {
    let user_id = value
        .as_str()
        .filter(|id| (1..=USER_ID).contains(&id.len()));
    user_id.map(str::to_owned).ok_or_else(|| refuse(70402))
}

fn list(value: &Value, most: usize) -> Result<&[Value], Refusal> {
    let list = value.as_array().ok_or_else(|| refuse(70402))?;
    match list.len() {
        0 => Err(refuse(70402)),
        length if length > most => Err(refuse(70206)),
        _ => Ok(list),
    }
}

fn online_line(user_id: &str, account: &Account, detail: bool) -> Value {
    let mut line = json!({"To_Account": user_id, "Status": account.presence().word()});
    if detail && account.presence() != Presence::Offline {
        let clients = account.clients.iter();
        let clients = clients.map(|(p, state)| json!({"Platform": p, "Status": state.word()}));
        line["Detail"] = clients.collect::<Vec<_>>().into();
    }
    line
}

fn profile(account: &Account, tags: &[Value]) -> Vec<Value> {
    let value = |tag: &str| match tag {
        "Tag_Profile_IM_Nick" => Some(Value::from(account.nick.as_str())),
        "Tag_Profile_IM_Image" => Some(Value::from(account.face.as_str())),
        tag => account.profile.get(tag).cloned(),
    };
    let tags = tags.iter().filter_map(Value::as_str);
    tags.filter_map(|tag| Some(json!({"Tag": tag, "Value": value(tag)?})))
        .collect()
}
