//! What the bridge calls: routes, methods, tokens, and which app may call what (WeCom notes, 5.1 and 5.2).

use serde_json::{Value, json};

use super::Wecom;
use super::errors::{Refusal, refuse};
use super::token::Worth;
use crate::call::{Answer, Call, Peer};
use crate::faults::Twist;
use crate::wire::PeerName;

type Work = fn(&Wecom, usize, &Call) -> Result<Value, Refusal>;

/// One API: method, path, the operation as faults name it, what does it. The work gets the app whose token the call carries.
type Route = (&'static str, &'static str, &'static str, Work);

const ROUTES: &[Route] = &[
    ("POST", "message/send", "wecom.send", Wecom::send),
    ("POST", "message/recall", "wecom.recall", Wecom::recall),
    (
        "POST",
        "message/update_template_card",
        "wecom.update",
        Wecom::update_card,
    ),
    ("POST", "media/upload", "wecom.upload", Wecom::media_upload),
    ("GET", "user/get", "wecom.user", Wecom::user),
    ("GET", "user/simplelist", "wecom.user", Wecom::users),
    ("GET", "agent/get", "wecom.agent", Wecom::agent),
    ("GET", "ticket/get", "wecom.ticket", Wecom::ticket),
    ("GET", "get_jsapi_ticket", "wecom.ticket", Wecom::ticket),
    (
        "GET",
        "externalcontact/get",
        "wecom.contact",
        Wecom::contact,
    ),
    (
        "POST",
        "externalcontact/send_welcome_msg",
        "wecom.welcome",
        Wecom::welcome,
    ),
    ("GET", "getcallbackip", "wecom.other", |_, _, _| {
        Ok(json!({"ip_list": ["127.0.0.1"]}))
    }),
];

fn found(call: &Call) -> Option<&'static Route> {
    let path = call.path.strip_prefix("/cgi-bin/")?;
    ROUTES.iter().find(|route| route.1 == path)
}

impl Peer for Wecom {
    fn name(&self) -> PeerName {
        PeerName::Wecom
    }

    fn operation(&self, call: &Call) -> &'static str {
        match call.path.as_str() {
            "/cgi-bin/gettoken" => "wecom.token",
            "/cgi-bin/media/get" => "wecom.media",
            "/cgi-bin/webhook/send" | "/cgi-bin/webhook/upload_media" => "wecom.robot",
            _ => found(call).map_or("wecom.other", |route| route.2),
        }
    }

    fn who(&self, call: &Call) -> Vec<String> {
        let body = call.json().unwrap_or_default();
        let named = body["touser"].as_str().into_iter();
        let updated = body["userids"].as_array().into_iter().flatten();
        let query = ["userid", "external_userid"];
        let query = query.iter().filter_map(|name| call.param(name));
        let names = named.chain(updated.filter_map(Value::as_str)).chain(query);
        let names = names.flat_map(|names| names.split('|'));
        names
            .map(str::to_owned)
            .chain(self.inbox_of(call))
            .collect()
    }

    fn answer(&self, call: &Call, _: Option<Twist>) -> Answer {
        self.answered(call)
            .unwrap_or_else(|refusal| self.refused(&refusal))
    }

    fn failure(&self, code: i64) -> Answer {
        self.refused(&refuse(code))
    }

    fn expire(&self, call: &Call) -> Answer {
        let token = call.param("access_token").unwrap_or_default();
        let now = self.0.world.now();
        for app in &mut self.0.state.lock().apps {
            app.tokens.expire(token, now);
        }
        self.refused(&refuse(42001))
    }
}

impl Wecom {
    fn refused(&self, refusal: &Refusal) -> Answer {
        refusal.answer(&self.0.world.chance, self.0.world.now())
    }

    fn answered(&self, call: &Call) -> Result<Answer, Refusal> {
        match call.path.as_str() {
            "/cgi-bin/gettoken" => {
                method(call, "GET")?;
                return self.get_token(call).map(done);
            }
            "/cgi-bin/media/get" => {
                method(call, "GET")?;
                self.caller(call)?;
                return self.media_get(call);
            }
            "/cgi-bin/webhook/send" => {
                method(call, "POST")?;
                return self.robot_send(call).map(done);
            }
            "/cgi-bin/webhook/upload_media" => {
                method(call, "POST")?;
                return self.robot_upload(call).map(done);
            }
            _ => {}
        }
        let Some((wanted, _, _, work)) = found(call) else {
            let page = "<html><body>404 Not Found</body></html>";
            return Ok(Answer::new(404, "text/html", page));
        };
        method(call, wanted)?;
        let app = self.caller(call)?;
        work(self, app, call).map(done)
    }

    /// Whose token this is; or why it is worth nothing.
    fn caller(&self, call: &Call) -> Result<usize, Refusal> {
        let token = call.param("access_token").unwrap_or_default();
        if token.is_empty() {
            return Err(refuse(41001));
        }
        let now = self.0.world.now();
        let state = self.0.state.lock();
        let worths = state.apps.iter().map(|app| app.tokens.worth(token, now));
        let known = worths.enumerate().find(|(_, it)| *it != Worth::Unknown);
        match known {
            Some((app, Worth::Valid)) => Ok(app),
            Some((_, Worth::Expired)) => Err(refuse(42001)),
            _ => Err(refuse(40014)),
        }
    }

    /// The inbox of the app whose token or secret this is, for faults aimed at it.
    fn inbox_of(&self, call: &Call) -> Option<String> {
        let secret = call.param("corpsecret");
        let token = call.param("access_token").unwrap_or_default();
        let now = self.0.world.now();
        let state = self.0.state.lock();
        let app = state.apps.iter().find(|app| {
            secret == Some(app.settings.secret.as_str())
                || app.tokens.worth(token, now) != Worth::Unknown
        });
        app.map(|app| app.settings.inbox.clone())
    }

    fn get_token(&self, call: &Call) -> Result<Value, Refusal> {
        let text = |name: &str| call.param(name).unwrap_or_default();
        let (corp, secret) = (text("corpid"), text("corpsecret"));
        let settings = &self.0.settings;
        match (corp, secret) {
            ("", _) => return Err(refuse(41002)),
            (_, "") => return Err(refuse(41004)),
            (corp, _) if corp != settings.corp_id => return Err(refuse(40013)),
            _ => {}
        }
        let world = &self.0.world;
        let mut state = self.0.state.lock();
        let mut apps = state.apps.iter_mut();
        let app = apps.find(|app| app.settings.secret == secret);
        let tokens = &mut app.ok_or_else(|| refuse(40001))?.tokens;
        let (life, rate) = (settings.token_life, settings.token_rate);
        let issued = tokens.get(world.now(), life, rate, &world.chance);
        let (token, life) = issued.map_err(refuse)?;
        Ok(json!({"access_token": token, "expires_in": life}))
    }
}

fn method(call: &Call, wanted: &str) -> Result<(), Refusal> {
    match (call.method == wanted, wanted) {
        (true, _) => Ok(()),
        (false, "GET") => Err(refuse(43001)),
        _ => Err(refuse(43002)),
    }
}

/// An answer with the code and words that every one begins with.
fn done(mut value: Value) -> Answer {
    for (key, fallback) in [("errcode", json!(0)), ("errmsg", json!("ok"))] {
        if value.get(key).is_none() {
            value[key] = fallback;
        }
    }
    let code = value["errcode"].as_i64().unwrap_or(0);
    Answer::new(200, "application/json; charset=UTF-8", value.to_string()).with_code(code)
}

/// A JSON object in UTF-8.
pub(super) fn object(call: &Call) -> Result<Value, Refusal> {
    let value = call.json().filter(Value::is_object);
    value.ok_or_else(|| refuse(47001))
}
