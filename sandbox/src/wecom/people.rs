//! Members, apps and tickets as the bridge asks for them (WeCom notes, 5.2 and 5.6).

use serde_json::{Value, json};

use super::Wecom;
use super::errors::{Refusal, refuse};
use crate::call::Call;

/// How long a ticket lives, in seconds.
const TICKET: i64 = 7200;

impl Wecom {
    /// `GET user/get?userid=`
    pub(super) fn user(&self, _: usize, call: &Call) -> Result<Value, Refusal> {
        let id = call.param("userid").unwrap_or_default();
        let state = self.0.state.lock();
        let member = state.member(id).ok_or_else(|| refuse(60111))?;
        let member = &member.settings;
        Ok(json!({
            "userid": member.user_id, "name": member.name, "department": [1], "main_department": 1,
            "position": "", "status": if member.activated { 1 } else { 4 }, "isleader": 0, "enable": 1,
            "alias": "", "telephone": "", "order": [0], "is_leader_in_dept": [0]
        }))
    }

    /// `GET user/simplelist?department_id=`: the corp has one department, the root.
    pub(super) fn users(&self, _: usize, call: &Call) -> Result<Value, Refusal> {
        if call.param("department_id") != Some("1") {
            return Err(refuse(60011));
        }
        let state = self.0.state.lock();
        let list = state.members.values().map(|member| {
            let member = &member.settings;
            json!({"userid": member.user_id, "name": member.name, "department": [1]})
        });
        Ok(json!({"userlist": list.collect::<Vec<_>>()}))
    }

    /// `GET agent/get?agentid=`: the app and who may see it.
    pub(super) fn agent(&self, app: usize, call: &Call) -> Result<Value, Refusal> {
        let state = self.0.state.lock();
        let named = call.param("agentid").and_then(|id| id.parse().ok());
        let named = named.and_then(|id| state.app_of(id));
        match named {
            None => return Err(refuse(40056)),
            Some(named) if named != app => return Err(refuse(301002)),
            Some(_) => {}
        }
        let settings = &state.apps[app].settings;
        let users = state.members.values();
        let users = users.map(|member| json!({"userid": member.settings.user_id}));
        Ok(json!({
            "agentid": settings.agent_id, "name": settings.name, "square_logo_url": "", "description": "",
            "allow_userinfos": {"user": users.collect::<Vec<_>>()}, "allow_partys": {"partyid": [1]},
            "allow_tags": {"tagid": []}, "close": 0, "redirect_domain": "", "report_location_flag": 0,
            "isreportenter": 1, "home_url": ""
        }))
    }

    /// `GET get_jsapi_ticket` and `GET ticket/get?type=agent_config`: the same within its life, another for each.
    pub(super) fn ticket(&self, app: usize, call: &Call) -> Result<Value, Refusal> {
        let kind = call.param("type").unwrap_or("corp");
        let wanted = match call.path.ends_with("ticket/get") {
            true => "agent_config",
            false => "corp",
        };
        if kind != wanted {
            return Err(refuse(40005));
        }
        let now = self.0.world.clock.seconds();
        let state = self.0.state.lock();
        let settings = &state.apps[app].settings;
        let ticket = self.ticket_of(&settings.secret, kind, now / TICKET);
        Ok(json!({"ticket": ticket, "expires_in": TICKET - now % TICKET}))
    }

    /// The ticket an app has now, for whoever checks a JS-SDK signature; `kind` is `corp` or `agent_config`.
    pub fn jsapi_ticket(&self, inbox: &str, kind: &str) -> Option<String> {
        let now = self.0.world.clock.seconds();
        let state = self.0.state.lock();
        let app = state.apps.iter().find(|app| app.settings.inbox == inbox)?;
        Some(self.ticket_of(&app.settings.secret, kind, now / TICKET))
    }

    fn ticket_of(&self, secret: &str, kind: &str, epoch: i64) -> String {
        let epoch = epoch.to_string();
        let half = |salt: &str| crate::wechat::crypto::sign(&[secret, kind, &epoch, salt]);
        format!("{}{}", half("a"), half("b"))
    }
}
