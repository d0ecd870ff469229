//! What the bridge calls: the request line's checks, then the command (Tencent IM: transport, 1.1).

use serde_json::Value;

use super::Tim;
use super::errors::{Refusal, refuse};
use super::usersig;
use crate::call::{Answer, Call, Peer};
use crate::faults::Twist;
use crate::wire::PeerName;

impl Peer for Tim {
    fn name(&self) -> PeerName {
        PeerName::Tim
    }

    fn operation(&self, call: &Call) -> &'static str {
        match call.path.as_str() {
            "/v4/openim/sendmsg" => "tim.send",
            "/v4/im_open_login_svc/account_import"
            | "/v4/im_open_login_svc/multiaccount_import" => "tim.import",
            "/v4/im_open_login_svc/account_check" => "tim.check",
            "/v4/openim/query_online_status" => "tim.online",
            "/v4/openim/admin_getroammsg" => "tim.history",
            "/v4/openim/admin_msgwithdraw" => "tim.withdraw",
            "/v4/openim/admin_set_msg_read" => "tim.read",
            "/v4/openim/modify_c2c_msg" => "tim.modify",
            "/v4/profile/portrait_get" | "/v4/profile/portrait_set" => "tim.profile",
            "/v4/im_open_login_svc/kick" => "tim.kick",
            _ => "tim.other",
        }
    }

    fn who(&self, call: &Call) -> Vec<String> {
        let body = call.json().unwrap_or_default();
        let names = ["To_Account", "From_Account", "UserID", "Operator_Account"];
        let named = names.iter().filter_map(|name| body[name].as_str());
        named.map(str::to_owned).collect()
    }

    fn answer(&self, call: &Call, _twist: Option<Twist>) -> Answer {
        self.command(call)
            .unwrap_or_else(|refusal| refusal.answer())
    }

    fn failure(&self, code: i64) -> Answer {
        refuse(code).answer()
    }

    /// UserSigs signed until now are declared expired; a new one works.
    fn expire(&self, call: &Call) -> Answer {
        let identifier = call.param("identifier").unwrap_or_default();
        let now = self.0.world.clock.seconds();
        if let Some(account) = self.0.state.lock().accounts.get_mut(identifier) {
            account.sig_floor = now;
        }
        refuse(70001).answer()
    }
}

impl Tim {
    fn command(&self, call: &Call) -> Result<Answer, Refusal> {
        self.admit(call)?;
        let Some(command) = call.path.strip_prefix("/v4/") else {
            return Err(refuse(60009));
        };
        if call.body.is_empty() {
            return Err(refuse(60003));
        }
        let body: Value = serde_json::from_slice(&call.body).map_err(|_| refuse(90001))?;
        match command {
            "openim/sendmsg" => self.send(&body),
            "openim/admin_getroammsg" => self.history(&body),
            "openim/admin_msgwithdraw" => self.withdraw(&body),
            "openim/admin_set_msg_read" => self.set_read(&body),
            "openim/modify_c2c_msg" => self.modify(&body),
            "openim/get_c2c_unread_msg_num" => self.unread(&body),
            "openim/query_online_status" => self.online(&body),
            "im_open_login_svc/account_import" => self.import(&body),
            "im_open_login_svc/multiaccount_import" => self.import_many(&body),
            "im_open_login_svc/account_check" => self.check(&body),
            "im_open_login_svc/account_delete" => Err(refuse(71000)),
            "im_open_login_svc/kick" => self.kick(&body),
            "profile/portrait_set" => self.portrait_set(&body),
            "profile/portrait_get" => self.portrait_get(&body),
            _ => Err(refuse(60009)),
        }
    }

    /// Everything that is checked before a command is looked at.
    fn admit(&self, call: &Call) -> Result<(), Refusal> {
        let settings = &self.0.settings;
        if call.method != "POST" {
            return Err(refuse(60002));
        }
        let app = call.param("sdkappid").ok_or_else(|| refuse(60012))?;
        if app.parse() != Ok(settings.sdk_app_id) {
            return Err(refuse(60006));
        }
        let identifier = call.param("identifier").unwrap_or_default();
        if identifier.is_empty() {
            return Err(refuse(60004));
        }
        self.check_usersig(identifier, call.param("usersig").unwrap_or_default())?;
        if identifier != settings.admin {
            return Err(refuse(60010));
        }
        let random = call.param("random").unwrap_or_default();
        if random.parse::<u32>().is_err() || call.param("contenttype") != Some("json") {
            return Err(refuse(60002));
        }
        let second = self.0.world.clock.seconds();
        match self.0.state.lock().admit(second, settings.rate_limit) {
            true => Ok(()),
            false => Err(refuse(60007)),
        }
    }

    fn check_usersig(&self, identifier: &str, sig: &str) -> Result<(), Refusal> {
        let settings = &self.0.settings;
        let now = self.0.world.clock.seconds();
        let key = &settings.secret_key;
        let ticket =
            usersig::check(sig, key, settings.sdk_app_id, identifier, now).map_err(refuse)?;
        let state = self.0.state.lock();
        let floor = state
            .accounts
            .get(identifier)
            .map_or(0, |account| account.sig_floor);
        // Signed in the second of the kick or later is new enough.
        match floor > 0 && ticket.issued < floor {
            true => Err(refuse(70001)),
            false => Ok(()),
        }
    }
}
