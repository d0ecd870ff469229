//! Customers whom members added: `externalcontact/get`, the welcome, and the events about them (WeCom notes, 2.4 and 4.5).

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::Wecom;
use super::acts::from_system;
use super::api::object;
use super::body::optional;
use super::errors::{Refusal, refuse};
use super::push::Letter;
use crate::call::Call;
use crate::content::{Author, Content, Status};
use crate::play::Pushed;
use crate::wechat::fields::Fields;

/// How long a welcome may be said, in milliseconds.
const WELCOME: i64 = 20_000;
const WELCOME_TEXT: usize = 4000;

/// A customer to be.
#[derive(Clone, Debug, Default)]
pub struct NewContact {
    /// Who was added, by UserID.
    pub member: String,
    /// `wm…` where the corp knows the customer already, by WeChat KF; "" for somebody new.
    pub external_userid: String,
    /// The customer's name.
    pub name: String,
    /// The customer's unionid; "" where the corp's accounts are not bound to an open platform.
    pub union_id: String,
    /// What the QR code was made with.
    pub state: String,
    /// The member's tags for the customer.
    pub tags: Vec<String>,
}

/// A customer whom a member has added.
#[derive(Clone, Debug)]
pub struct Contact {
    /// `wm…`
    pub external_userid: String,
    /// What it was made from.
    pub settings: NewContact,
    /// By which they may be welcomed.
    pub welcome_code: String,
    /// What the bridge said as welcome.
    pub welcomed: Vec<String>,
}

#[derive(Default)]
pub(super) struct Contacts {
    known: BTreeMap<String, Contact>,
    /// Welcome codes: who, until when, whether used.
    codes: HashMap<String, (String, i64, bool)>,
}

impl Wecom {
    /// A customer adds a member: pushes `add_external_contact` to the first app that may know.
    pub fn adds_contact(&self, new: NewContact) -> (String, Pushed) {
        let world = &self.0.world;
        let id = match new.external_userid.as_str() {
            "" => format!("wm{}", world.chance.letters(30)),
            known => known.to_owned(),
        };
        let code = world.chance.letters(43);
        let mut fields = about(&new.member, &id, "add_external_contact");
        if !new.state.is_empty() {
            fields = fields.text("State", &new.state);
        }
        fields = fields.text("WelcomeCode", &code);
        let contact = Contact {
            external_userid: id.clone(),
            settings: new,
            welcome_code: code.clone(),
            welcomed: Vec::new(),
        };
        let mut state = self.0.state.lock();
        let until = world.now() + WELCOME;
        state
            .contacts
            .codes
            .insert(code, (id.clone(), until, false));
        state.contacts.known.insert(id.clone(), contact);
        drop(state);
        let pushed = self.tells("change_external_contact", fields);
        (id, pushed)
    }

    /// Anything else that happens to a customer of a member's, such as `del_follow_user`.
    pub fn contact_changes(&self, member: &str, external_userid: &str, change: &str) -> Pushed {
        let fields = about(member, external_userid, change);
        self.tells("change_external_contact", fields)
    }

    /// A customer, by external_userid.
    pub fn contact_of(&self, external_userid: &str) -> Option<Contact> {
        let state = self.0.state.lock();
        state.contacts.known.get(external_userid).cloned()
    }

    /// An event by the system, to the first app that may call the customer-contact API.
    fn tells(&self, event: &str, fields: Fields) -> Pushed {
        let world = &self.0.world;
        let mut apps = self.0.settings.apps.iter();
        let app = apps.position(|app| app.calls_contacts).unwrap_or(0);
        let fields =
            from_system(&self.0.settings.corp_id, world.clock.seconds(), event).and(fields);
        let shown = world.message(
            Author::System,
            Status::Delivered,
            Content::notice(event.to_owned()),
        );
        let letter = Letter {
            app,
            lane: "wecom:contacts".into(),
            who: Vec::new(),
            fields,
            agent: String::new(),
        };
        Pushed::new(shown, self.post(letter, Box::new(|_, _, _| {})))
    }

    fn may_know(&self, app: usize) -> Result<(), Refusal> {
        match self.0.settings.apps[app].calls_contacts {
            true => Ok(()),
            false => Err(refuse(48002)),
        }
    }

    /// `GET externalcontact/get?external_userid=`
    pub(super) fn contact(&self, app: usize, call: &Call) -> Result<Value, Refusal> {
        self.may_know(app)?;
        let id = call.param("external_userid").unwrap_or_default();
        let state = self.0.state.lock();
        let contact = state.contacts.known.get(id).ok_or_else(|| refuse(84061))?;
        let settings = &contact.settings;
        let mut external = json!({
            "external_userid": id, "name": settings.name, "avatar": "", "type": 1, "gender": 0
        });
        if !settings.union_id.is_empty() {
            external["unionid"] = settings.union_id.clone().into();
        }
        let tags = settings.tags.iter().enumerate().map(|(number, name)| {
            json!({"group_name": "客户标签", "tag_name": name, "tag_id": format!("et{number}"), "type": 1})
        });
        let tags: Vec<Value> = tags.collect();
        Ok(json!({
            "external_contact": external,
            "follow_user": [{
                "userid": settings.member, "remark": settings.name, "description": "", "createtime": 1,
                "tags": tags, "add_way": 1, "state": settings.state
            }]
        }))
    }

    /// `POST externalcontact/send_welcome_msg`
    pub(super) fn welcome(&self, app: usize, call: &Call) -> Result<Value, Refusal> {
        self.may_know(app)?;
        let body = object(call)?;
        let text = optional(&body["text"], "content", WELCOME_TEXT)?;
        let attached = body["attachments"].as_array().map_or(0, Vec::len);
        if attached > 9 || (text.is_empty() && attached == 0) {
            return Err(refuse(40058));
        }
        let now = self.0.world.now();
        let code = body["welcome_code"].as_str().unwrap_or_default();
        let mut state = self.0.state.lock();
        let contacts = &mut state.contacts;
        let id = match contacts.codes.get_mut(code) {
            None => return Err(refuse(41050)),
            Some((_, _, true)) => return Err(refuse(41051)),
            Some((_, until, _)) if now > *until => return Err(refuse(41050)),
            Some((id, _, used)) => {
                *used = true;
                id.clone()
            }
        };
        if let Some(contact) = contacts.known.get_mut(&id) {
            contact.welcomed.push(text);
        }
        Ok(json!({}))
    }
}

fn about(member: &str, external_userid: &str, change: &str) -> Fields {
    Fields::new()
        .text("ChangeType", change)
        .text("UserID", member)
        .text("ExternalUserID", external_userid)
}
