//! What the service does when it is asked.

use bridge_convertors::tencent_im::usersig;
use serde_json::{Value, json};

use super::{Called, NOW, SDK_APP_ID, SECRET, State};

impl State {
    /// What is wrong with the request line (Tencent IM, 1.1).
    pub(super) fn refuses(&mut self, called: &Called) -> Option<i64> {
        let param = |name: &str| {
            called
                .query
                .get(name)
                .map(String::as_str)
                .unwrap_or_default()
        };
        if param("sdkappid") != SDK_APP_ID.to_string() {
            return Some(60006);
        }
        let Ok(ticket) = usersig::decode(param("usersig")) else {
            return Some(70003);
        };
        if ticket.identifier != param("identifier") {
            return Some(70013);
        }
        if ticket.verify(SECRET, ticket.time).is_err() {
            return Some(70009);
        }
        if ticket.time < self.sig_floor {
            return Some(70001);
        }
        if param("identifier") != "administrator" {
            return Some(60010);
        }
        let fresh = self.randoms.insert(param("random").to_owned());
        let sound = param("random").parse::<u32>().is_ok() && param("contenttype") == "json";
        (!fresh || !sound).then_some(60002)
    }

    pub(super) fn send(&mut self, body: &Value) -> Result<Value, i64> {
        let (from, to) = (
            body["From_Account"].as_str().unwrap_or("administrator"),
            body["To_Account"].as_str().ok_or(90003)?,
        );
        if !self.accounts.contains_key(from) {
            return Err(20003);
        }
        if !self.accounts.contains_key(to) {
            return Err(90012);
        }
        let (seq, random) = (
            body["MsgSeq"].as_u64().ok_or(90005)?,
            body["MsgRandom"].as_u64().ok_or(90005)?,
        );
        let elements = body["MsgBody"].as_array().ok_or(90007)?;
        if elements.len() != 1 || body["MsgBody"].to_string().len() > 8_000 {
            return Err(93000);
        }
        let key = format!("{seq}_{random}_{NOW}");
        self.messages.push(json!({
            "From_Account": from, "To_Account": to, "MsgSeq": seq, "MsgRandom": random, "MsgTimeStamp": NOW,
            "MsgFlagBits": 0, "IsPeerRead": 0, "MsgKey": key, "CloudCustomData": body["CloudCustomData"],
            "MsgBody": body["MsgBody"]
        }));
        Ok(json!({"MsgTime": NOW, "MsgKey": key}))
    }

    /// Newest first, page by page (Tencent IM, 3.2).
    pub(super) fn history(&self, body: &Value) -> Result<Value, i64> {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let (operator, peer) = (text("Operator_Account"), text("Peer_Account"));
        if !self.accounts.contains_key(operator) {
            return Err(20003);
        }
        let (from, to) = (
            body["MinTime"].as_u64().ok_or(90001)?,
            body["MaxTime"].as_u64().ok_or(90001)?,
        );
        let concerned = |message: &&Value| {
            let pair = (
                message["From_Account"].as_str().unwrap(),
                message["To_Account"].as_str().unwrap(),
            );
            let time = message["MsgTimeStamp"].as_u64().unwrap();
            (pair == (operator, peer) || pair == (peer, operator)) && (from..=to).contains(&time)
        };
        let mut messages: Vec<&Value> = self.messages.iter().filter(concerned).collect();
        messages.sort_by_key(|message| {
            std::cmp::Reverse((message["MsgTimeStamp"].as_u64(), message["MsgSeq"].as_u64()))
        });
        let after = text("LastMsgKey");
        let start = messages
            .iter()
            .position(|message| message["MsgKey"] == after)
            .map_or(0, |at| at + 1);
        let size = self.page.min(body["MaxCnt"].as_u64().unwrap_or(0) as usize);
        let page: Vec<&Value> = messages.iter().skip(start).take(size).copied().collect();
        let complete = start + page.len() >= messages.len();
        let last = page.last().copied().cloned().unwrap_or_default();
        Ok(json!({
            "Complete": u8::from(complete), "MsgCnt": page.len(), "MsgList": page,
            "LastMsgTime": last["MsgTimeStamp"], "LastMsgKey": last["MsgKey"]
        }))
    }

    pub(super) fn withdraw(&mut self, body: &Value) -> Result<Value, i64> {
        let named = |message: &&mut Value| {
            ["From_Account", "To_Account", "MsgKey"]
                .iter()
                .all(|field| message[field] == body[field])
        };
        let message = self.messages.iter_mut().find(named).ok_or(20022)?;
        if message["MsgFlagBits"] == 8 {
            return Err(20023);
        }
        message["MsgFlagBits"] = 8.into();
        Ok(json!({}))
    }

    pub(super) fn status(&self, body: &Value) -> Value {
        let accounts = body["To_Account"].as_array().unwrap();
        assert!(accounts.len() <= 500, "at most 500 accounts at once");
        let known = accounts.iter().filter_map(|id| {
            let status = self.online.get(id.as_str()?)?;
            Some(json!({"To_Account": id, "Status": status}))
        });
        json!({"QueryResult": known.collect::<Vec<_>>(), "ErrorList": []})
    }

    pub(super) fn import(&mut self, body: &Value) -> Value {
        let id = body["UserID"].as_str().unwrap();
        let profile = self
            .accounts
            .entry(id.to_owned())
            .or_insert_with(|| json!({}));
        for field in ["Nick", "FaceUrl"] {
            if let Some(value) = body.get(field) {
                profile[field] = value.clone();
            }
        }
        json!({})
    }
}

pub(super) fn refused(code: i64) -> String {
    json!({"ActionStatus": "FAIL", "ErrorInfo": "as ordered", "ErrorCode": code}).to_string()
}
