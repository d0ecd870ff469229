//! What the bridge calls: routes, methods, tokens (WeChat notes, 4).

use serde_json::{Value, json};

use super::Wechat;
use super::errors::{Refusal, refuse};
use super::token::Worth;
use crate::call::{Answer, Call, Peer};
use crate::faults::Twist;
use crate::wire::PeerName;

impl Peer for Wechat {
    fn name(&self) -> PeerName {
        PeerName::Wechat
    }

    fn operation(&self, call: &Call) -> &'static str {
        match call.path.as_str() {
            "/cgi-bin/stable_token" | "/cgi-bin/token" => "wechat.token",
            "/cgi-bin/message/custom/send" => "wechat.send",
            "/cgi-bin/message/custom/typing" => "wechat.typing",
            "/cgi-bin/media/upload" => "wechat.upload",
            "/cgi-bin/media/get" => "wechat.media",
            "/cgi-bin/user/info" => "wechat.user",
            "/cgi-bin/qrcode/create" | "/wxa/getwxacodeunlimit" => "wechat.qrcode",
            "/cgi-bin/message/subscribe/send" => "wechat.subscribe",
            _ => "wechat.other",
        }
    }

    fn who(&self, call: &Call) -> Vec<String> {
        let body = call.json().unwrap_or_default();
        let named = [
            body["touser"].as_str(),
            body["appid"].as_str(),
            call.param("openid"),
        ];
        named.into_iter().flatten().map(str::to_owned).collect()
    }

    fn answer(&self, call: &Call, _twist: Option<Twist>) -> Answer {
        self.route(call)
            .unwrap_or_else(|refusal| self.refused(&refusal))
    }

    fn failure(&self, code: i64) -> Answer {
        self.refused(&refuse(code))
    }

    fn expire(&self, call: &Call) -> Answer {
        let token = call.param("access_token").unwrap_or_default();
        let now = self.0.world.now();
        let mut state = self.0.state.lock();
        for account in &mut state.accounts {
            account.tokens.expire(token, now);
        }
        drop(state);
        self.refused(&refuse(42001))
    }
}

impl Wechat {
    fn refused(&self, refusal: &Refusal) -> Answer {
        refusal.answer(&self.0.world.chance, self.0.world.now())
    }

    fn route(&self, call: &Call) -> Result<Answer, Refusal> {
        let path = call.path.as_str();
        match path {
            "/cgi-bin/stable_token" => return post(call).and_then(|()| self.stable_token(call)),
            "/cgi-bin/token" => return get(call).and_then(|()| self.classic_token(call)),
            _ => {}
        }
        if !KNOWN.contains(&path) {
            return Ok(Answer::new(
                404,
                "text/html",
                "<html><body>404 Not Found</body></html>",
            ));
        }
        let account = self.account_of(call)?;
        match path {
            "/cgi-bin/message/custom/send" => {
                post(call)?;
                self.custom_send(account, &call.body).map(ok)
            }
            "/cgi-bin/message/custom/typing" => {
                post(call)?;
                self.custom_typing(account, &call.body).map(ok)
            }
            "/cgi-bin/media/upload" => {
                post(call)?;
                self.media_upload(account, call).map(ok)
            }
            "/cgi-bin/media/get" => {
                get(call)?;
                self.media_get(call)
            }
            "/cgi-bin/user/info" => {
                get(call)?;
                self.only_official(account)?;
                self.user_info(account, call).map(ok)
            }
            "/cgi-bin/qrcode/create" => {
                post(call)?;
                self.only_official(account)?;
                self.qrcode_create(&call.body).map(ok)
            }
            "/wxa/getwxacodeunlimit" => {
                post(call)?;
                self.mini_code(account, &call.body)
            }
            "/cgi-bin/message/subscribe/send" => {
                post(call)?;
                self.subscribe_send(account, &call.body).map(ok)
            }
            "/wxaapi/newtmpl/gettemplate" => {
                get(call)?;
                self.templates(account).map(ok)
            }
            // What is left of the known: both lists of addresses.
            _ => Ok(ok(json!({"ip_list": ["127.0.0.1"]}))),
        }
    }

    /// Whose token this is; or why it is worth nothing.
    fn account_of(&self, call: &Call) -> Result<usize, Refusal> {
        let token = call.param("access_token").unwrap_or_default();
        if token.is_empty() {
            return Err(refuse(41001));
        }
        if token.len() < 16 {
            return Err(refuse(40014));
        }
        let now = self.0.world.now();
        let state = self.0.state.lock();
        let worths = state
            .accounts
            .iter()
            .map(|account| account.tokens.worth(token, now));
        let known = worths
            .enumerate()
            .find(|(_, worth)| *worth != Worth::Unknown);
        match known {
            Some((account, Worth::Valid)) => Ok(account),
            Some((_, Worth::Expired)) => Err(refuse(42001)),
            _ => Err(refuse(40001)),
        }
    }

    fn stable_token(&self, call: &Call) -> Result<Answer, Refusal> {
        let body = call.json().ok_or_else(|| refuse(47001))?;
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        let account = self.account_by(text("grant_type"), text("appid"), text("secret"))?;
        let force = body["force_refresh"].as_bool().unwrap_or(false);
        let (now, life) = (self.0.world.now(), self.0.settings.token_life);
        let chance = &self.0.world.chance;
        let tokens = &mut self.0.state.lock().accounts[account].tokens;
        let issued = match force {
            true => tokens.force(now, life, chance).map_err(refuse)?,
            false => tokens.stable(now, life, chance),
        };
        Ok(token_answer(issued))
    }

    fn classic_token(&self, call: &Call) -> Result<Answer, Refusal> {
        let text = |key: &str| call.param(key).unwrap_or_default();
        let account = self.account_by(text("grant_type"), text("appid"), text("secret"))?;
        let (now, life) = (self.0.world.now(), self.0.settings.token_life);
        let tokens = &mut self.0.state.lock().accounts[account].tokens;
        Ok(token_answer(tokens.classic(
            now,
            life,
            &self.0.world.chance,
        )))
    }

    fn account_by(&self, grant: &str, app_id: &str, secret: &str) -> Result<usize, Refusal> {
        if grant != "client_credential" {
            return Err(refuse(40002));
        }
        if app_id.is_empty() {
            return Err(refuse(41002));
        }
        if secret.is_empty() {
            return Err(refuse(41004));
        }
        let accounts = &self.0.settings.accounts;
        let found = accounts.iter().position(|account| account.app_id == app_id);
        let found = found.ok_or_else(|| refuse(40013))?;
        match accounts[found].app_secret == secret {
            true => Ok(found),
            false => Err(refuse(40125)),
        }
    }

    /// Since 2021 neither name nor picture are told (WeChat notes, 4.9).
    fn user_info(&self, account: usize, call: &Call) -> Result<Value, Refusal> {
        let openid = call.param("openid").ok_or_else(|| refuse(41009))?;
        let state = self.0.state.lock();
        let person = state.people.get(openid).filter(|p| p.account == account);
        let person = person.ok_or_else(|| refuse(40003))?;
        if !person.following {
            return Ok(json!({"subscribe": 0, "openid": openid}));
        }
        let mut told = json!({
            "subscribe": 1, "openid": openid, "language": "zh_CN", "subscribe_time": person.created / 1000,
            "remark": "", "groupid": 0, "tagid_list": [], "subscribe_scene": "ADD_SCENE_QR_CODE",
            "qr_scene": 0, "qr_scene_str": ""
        });
        if let Some(unionid) = &person.unionid {
            told["unionid"] = json!(unionid);
        }
        Ok(told)
    }
}

const KNOWN: &[&str] = &[
    "/cgi-bin/message/custom/send",
    "/cgi-bin/message/custom/typing",
    "/cgi-bin/media/upload",
    "/cgi-bin/media/get",
    "/cgi-bin/user/info",
    "/cgi-bin/qrcode/create",
    "/wxa/getwxacodeunlimit",
    "/cgi-bin/message/subscribe/send",
    "/wxaapi/newtmpl/gettemplate",
    "/cgi-bin/getcallbackip",
    "/cgi-bin/get_api_domain_ip",
];

fn ok(value: Value) -> Answer {
    let code = value["errcode"].as_i64().unwrap_or(0);
    Answer::new(200, "application/json; encoding=utf-8", value.to_string()).with_code(code)
}

fn token_answer((token, life): (String, i64)) -> Answer {
    ok(json!({"access_token": token, "expires_in": life}))
}

fn post(call: &Call) -> Result<(), Refusal> {
    match call.method.as_str() {
        "POST" => Ok(()),
        _ => Err(refuse(43002)),
    }
}

fn get(call: &Call) -> Result<(), Refusal> {
    match call.method.as_str() {
        "GET" => Ok(()),
        _ => Err(refuse(43001)),
    }
}
