//! Subscription messages: what customers allow, one grant for one message; what is sent, checked field by field; what became
//! of it, pushed (WeChat notes, 2.5 and 4.8).

use serde_json::{Value, json};

use super::super::Wechat;
use super::super::acts::Act;
use super::super::errors::{Refusal, refuse, refuse_with};
use super::super::event::Event;
use super::fit::fits;
use crate::content::{Author, Content, Status};
use crate::settings::Template;

impl Wechat {
    /// `POST /cgi-bin/message/subscribe/send`
    pub(in super::super) fn subscribe_send(
        &self,
        account: usize,
        body: &[u8],
    ) -> Result<Value, Refusal> {
        let value: Value = serde_json::from_slice(body).map_err(|_| refuse(47001))?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let (openid, template, page) = (text("touser"), text("template_id"), text("page"));
        let world = &self.0.world;
        let mut state = self.0.state.lock();
        let mini = state.mini(account).ok_or_else(|| refuse(48001))?.clone();
        let app_id = state.accounts[account].settings.app_id.clone();
        let known = mini.templates.iter().find(|known| known.id == template);
        let known = known.ok_or_else(|| refuse(40037))?;
        let path = page.split('?').next().unwrap_or_default();
        if !path.is_empty() && !mini.pages.iter().any(|known| known == path) {
            return Err(refuse(41030));
        }
        if !matches!(
            text("miniprogram_state").as_str(),
            "" | "formal" | "trial" | "developer"
        ) {
            return Err(refuse_with(40097, "miniprogram_state"));
        }
        let said = said(known, &value["data"])?;
        let person = state.people.get_mut(&openid);
        let person = person
            .filter(|person| person.account == account)
            .ok_or_else(|| refuse(40003))?;
        let left = person.grants.get_mut(&template).filter(|left| **left > 0);
        *left.ok_or_else(|| refuse(43101))? -= 1;
        let lost = person.loses_nudges;
        let id = state.next_msg_id();
        if !lost {
            let content = Content::MiniProgram {
                title: said,
                app_id,
                page_path: page,
                thumb_url: None,
            };
            let mut message = world.message(Author::Account, Status::Delivered, content);
            message.note = Some("服务通知".into());
            message.key = Some(id.to_string());
            self.show(&mut state, &openid, message);
        }
        drop(state);
        let (code, status) = match lost {
            true => (43101, "user refuse to accept the msg"),
            false => (0, "success"),
        };
        let report = Event::SubscriptionSent {
            template,
            message: id,
            code,
            status: status.to_owned(),
        };
        drop(self.act(&openid, &Act::Event(report)));
        Ok(json!({"errcode": 0, "errmsg": "ok", "msgid": id}))
    }

    /// `GET /wxaapi/newtmpl/gettemplate`
    pub(in super::super) fn templates(&self, account: usize) -> Result<Value, Refusal> {
        let state = self.0.state.lock();
        let mini = state.mini(account).ok_or_else(|| refuse(48001))?;
        let rows = mini.templates.iter().map(|template| {
            let lines = template.fields.iter();
            let content: String = lines
                .map(|(name, label)| format!("{label}:{{{{{name}.DATA}}}}\n"))
                .collect();
            json!({"priTmplId": template.id, "title": template.title, "content": content, "example": "", "type": 2})
        });
        Ok(json!({"errcode": 0, "errmsg": "ok", "data": rows.collect::<Vec<_>>()}))
    }

    /// What the customer's answer does: a yes is one grant, a no in the settings takes all.
    pub(in super::super) fn consent(&self, openid: &str, event: &Event) {
        let mut state = self.0.state.lock();
        let Some(person) = state.people.get_mut(openid) else {
            return;
        };
        match event {
            Event::SubscriptionPopup { answers } => {
                for (template, _) in answers.iter().filter(|(_, said)| said == "accept") {
                    *person.grants.entry(template.clone()).or_default() += 1;
                }
            }
            Event::SubscriptionChange { answers } => {
                for (template, _) in answers.iter().filter(|(_, said)| said == "reject") {
                    person.grants.remove(template);
                }
            }
            _ => {}
        }
    }
}

/// What the customer reads; every field of the template must be there and fit, and no other.
fn said(template: &Template, data: &Value) -> Result<String, Refusal> {
    let given = data.as_object().cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for (name, label) in &template.fields {
        let value = given
            .get(name)
            .and_then(|field| field["value"].as_str())
            .unwrap_or_default();
        if !fits(name, value) {
            return Err(refuse_with(
                47003,
                &format!("argument invalid! data.{name}.value is invalid"),
            ));
        }
        lines.push(format!("{label}：{value}"));
    }
    let known = |name: &String| template.fields.iter().any(|(known, _)| known == name);
    match given.keys().find(|name| !known(name)) {
        Some(name) => Err(refuse_with(
            47003,
            &format!("argument invalid! data.{name}"),
        )),
        None => Ok(format!("{}｜{}", template.title, lines.join("｜"))),
    }
}
