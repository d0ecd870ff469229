//! What members do in the app's chat, as the documents that are pushed for it (WeCom notes, 2.1 to 2.3).

use serde_json::{Map, Value};

use super::Wecom;
use super::media::bubble;
use super::push::Letter;
use super::reply;
use super::state::State;
use crate::content::{Author, Content, Message, Status, TemplateCard};
use crate::media::Media;
use crate::play::Pushed;
use crate::wechat::fields::Fields;

/// Something a member sends to an app.
#[derive(Clone, Debug)]
pub enum Act {
    /// Words.
    Text(String),
    /// A picture.
    Image(Media),
    /// Recorded speech, AMR.
    Voice(Media),
    /// A film with its picture.
    Video {
        /// The film.
        media: Media,
        /// Its picture.
        thumb: Option<Media>,
    },
    /// A place.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// The map's scale.
        scale: u32,
        /// Its name.
        label: String,
        /// Whether it comes from WeCom itself; from the WeChat side there is no `AppType`.
        from_wecom: bool,
    },
    /// A page.
    Link {
        /// Its title.
        title: String,
        /// What it is about.
        description: String,
        /// Its address.
        url: String,
    },
    /// Something that is not speech.
    Event(Event),
}

/// Something a member does that is not speech.
#[derive(Clone, Debug)]
pub enum Event {
    /// Gained sight of the app.
    Subscribe,
    /// Lost it.
    Unsubscribe,
    /// Opened the app; happens again and again.
    Enter,
    /// Tapped a menu entry.
    Click {
        /// Its key.
        key: String,
    },
    /// Opened a page from the menu.
    View {
        /// Its address.
        url: String,
    },
    /// Reported where the member is.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// In metres.
        precision: f64,
    },
    /// Any other event.
    Raw {
        /// Its name.
        name: String,
        /// Its further fields.
        fields: Map<String, Value>,
    },
}

/// A button of a card that was pressed, with what was chosen before.
pub(super) struct Press {
    pub bubble: u64,
    pub key: String,
    /// Question key and option ids.
    pub chosen: Vec<(String, Vec<String>)>,
}

/// An event by the system, about nobody's doing.
pub(super) fn from_system(corp: &str, now: i64, event: &str) -> Fields {
    Fields::new()
        .text("ToUserName", corp)
        .text("FromUserName", "sys")
        .number("CreateTime", now)
        .text("MsgType", "event")
        .text("Event", event)
}

impl Wecom {
    /// A member does something in an app's chat.
    pub(super) fn act(&self, member: &str, app: usize, act: &Act) -> Pushed {
        let world = &self.0.world;
        let (kind, fields, shown) = self.written(act);
        let is_event = kind == "event";
        let mut message = world.message(Author::Agent, Status::Sending, shown);
        let mut fields = self.head(member, &kind).and(fields);
        if !is_event {
            // Beyond 2^53, as the real ones are.
            let id = world
                .chance
                .between(7_590_000_000_000_000_000, 7_600_000_000_000_000_000);
            fields = fields.number("MsgId", id);
            message.key = Some(id.to_string());
        }
        self.pushed(member, app, message, fields, None)
    }

    /// A member presses a button of a card, or a line of its menu. `Err` says why that cannot be.
    pub(super) fn press(&self, member: &str, app: usize, press: &Press) -> Result<Pushed, String> {
        let world = &self.0.world;
        let mut guard = self.0.state.lock();
        let state = &mut *guard;
        let (card, msgid) = card_of(state, member, app, press.bubble)?;
        let (event, label) = pressed(&card, &press.key)?;
        let code = self.code_for(state, app, &msgid);
        drop(guard);
        let fields = self
            .head(member, "event")
            .text("Event", event)
            .text("EventKey", &press.key)
            .text("TaskId", card.task_id.unwrap_or_default())
            .text("CardType", &card.kind)
            .text("ResponseCode", code);
        let fields = match event {
            "template_card_event" => chosen(fields, &press.chosen),
            _ => fields,
        };
        let shown = Content::Event {
            event: event.to_owned(),
            key: Some(press.key.clone()),
            text: format!("点击了“{label}”"),
        };
        let message = world.message(Author::Agent, Status::Sending, shown);
        Ok(self.pushed(member, app, message, fields, Some(press.bubble)))
    }

    fn pushed(
        &self,
        member: &str,
        app: usize,
        message: Message,
        fields: Fields,
        card: Option<u64>,
    ) -> Pushed {
        let agent = self.0.settings.apps[app].agent_id;
        let letter = Letter {
            app,
            lane: format!("wecom:{agent}:{member}"),
            who: vec![member.to_owned(), self.0.settings.apps[app].inbox.clone()],
            fields: fields.number("AgentID", agent),
            agent: agent.to_string(),
        };
        let mut state = self.0.state.lock();
        self.show(&mut state, member, app, message.clone());
        drop(state);
        let (id, who) = (message.id, member.to_owned());
        let ended = move |wecom: &Wecom, outcome: &crate::courier::Outcome, reply: Option<_>| {
            let (status, note) = match outcome.delivered() {
                true => (Status::Delivered, None),
                false => (
                    Status::Failed,
                    Some(format!("回调失败：{}", outcome.answer)),
                ),
            };
            let mut state = wecom.0.state.lock();
            wecom.change(&mut state, &who, app, id, |message| {
                (message.status, message.note) = (status, note);
            });
            drop(state);
            if let Some(reply) = reply {
                reply::obey(wecom, app, &who, card, &reply);
            }
        };
        Pushed::new(message, self.post(letter, Box::new(ended)))
    }

    fn head(&self, member: &str, kind: &str) -> Fields {
        Fields::new()
            .text("ToUserName", &self.0.settings.corp_id)
            .text("FromUserName", member)
            .number("CreateTime", self.0.world.clock.seconds())
            .text("MsgType", kind)
    }

    /// An act's type, its fields, its bubble.
    fn written(&self, act: &Act) -> (String, Fields, Content) {
        let fields = Fields::new();
        let (kind, fields, shown) = match act {
            Act::Text(text) => ("text", fields.text("Content", text), Content::text(text)),
            Act::Image(media) => {
                let (id, shown) = self.sent_file("image", media);
                let url = self.0.world.media_url(media);
                let fields = fields.text("PicUrl", url).text("MediaId", id);
                ("image", fields, shown)
            }
            Act::Voice(media) => {
                let (id, shown) = self.sent_file("voice", media);
                let fields = fields.text("MediaId", id).text("Format", "amr");
                ("voice", fields, shown)
            }
            Act::Video { media, thumb } => {
                let (id, shown) = self.sent_file("video", media);
                let thumb = thumb.as_ref().map(|thumb| self.sent_file("image", thumb).0);
                let fields = fields
                    .text("MediaId", id)
                    .text("ThumbMediaId", thumb.unwrap_or_default());
                ("video", fields, shown)
            }
            Act::Location {
                latitude,
                longitude,
                scale,
                label,
                from_wecom,
            } => {
                let mut fields = fields
                    .number("Location_X", format!("{latitude:.6}"))
                    .number("Location_Y", format!("{longitude:.6}"))
                    .number("Scale", scale)
                    .text("Label", label);
                if *from_wecom {
                    fields = fields.text("AppType", "wxwork");
                }
                let shown = Content::Location {
                    latitude: *latitude,
                    longitude: *longitude,
                    label: label.clone(),
                    scale: Some(*scale),
                };
                ("location", fields, shown)
            }
            Act::Link {
                title,
                description,
                url,
            } => {
                let fields = fields
                    .text("Title", title)
                    .text("Description", description)
                    .text("Url", url)
                    .text("PicUrl", "");
                let shown = Content::Link {
                    title: title.clone(),
                    description: description.clone(),
                    url: url.clone(),
                    picture_url: None,
                };
                ("link", fields, shown)
            }
            Act::Event(event) => {
                let (fields, shown) = happening(event);
                ("event", fields, shown)
            }
        };
        (kind.to_owned(), fields, shown)
    }

    fn sent_file(&self, kind: &str, media: &Media) -> (String, Content) {
        let world = &self.0.world;
        let mut state = self.0.state.lock();
        let now = world.now();
        let id = state.uploads.add(kind, &media.id, now, &world.chance);
        (id, bubble(kind, media, world.media_url(media)))
    }
}

fn happening(event: &Event) -> (Fields, Content) {
    let (name, key, text) = match event {
        Event::Subscribe => ("subscribe", Some(""), "可以看到应用了"),
        Event::Unsubscribe => ("unsubscribe", Some(""), "看不到应用了"),
        Event::Enter => ("enter_agent", Some(""), "进入了应用"),
        Event::Click { key } => ("click", Some(key.as_str()), "点击了菜单"),
        Event::View { url } => ("view", Some(url.as_str()), "打开了菜单网页"),
        Event::Location { .. } => ("LOCATION", None, "上报了位置"),
        Event::Raw { name, .. } => (name.as_str(), None, "事件"),
    };
    let mut fields = Fields::new().text("Event", name);
    if let Some(key) = key {
        fields = fields.text("EventKey", key);
    }
    fields = match event {
        Event::Location {
            latitude,
            longitude,
            precision,
        } => fields
            .number("Latitude", format!("{latitude:.4}"))
            .number("Longitude", format!("{longitude:.4}"))
            .number("Precision", format!("{precision:.1}"))
            .text("AppType", "wxwork"),
        Event::Raw { fields: more, .. } => fields.and(Fields::from_json(more)),
        _ => fields,
    };
    let shown = Content::Event {
        event: name.to_owned(),
        key: key.filter(|key| !key.is_empty()).map(str::to_owned),
        text: text.to_owned(),
    };
    (fields, shown)
}

/// The card in a bubble and the message it came with.
fn card_of(
    state: &State,
    member: &str,
    app: usize,
    bubble: u64,
) -> Result<(TemplateCard, String), String> {
    let member = state.member(member).ok_or("no such member")?;
    let chat = member.chats.get(&app).ok_or("no such chat")?;
    let message = chat.chat.find(bubble).ok_or("no such message")?;
    match (&message.content, &message.key, message.status) {
        (_, _, Status::Recalled) => Err("the card was taken back".into()),
        (Content::TemplateCard { card }, Some(msgid), _) => Ok(((**card).clone(), msgid.clone())),
        _ => Err("the message is no card".into()),
    }
}

/// What pressing a key is, and what it says on it.
fn pressed(card: &TemplateCard, key: &str) -> Result<(&'static str, String), String> {
    let find = |buttons: &[crate::content::CardButton]| {
        let found = buttons.iter().find(|it| it.key == key && it.url.is_none());
        found.map(|button| button.text.clone())
    };
    if let Some(label) = find(&card.menu) {
        return Ok(("template_card_menu_event", label));
    }
    if card.done.is_some() {
        return Err("the card's buttons are grey".into());
    }
    let label = find(&card.buttons).or_else(|| find(card.submit.as_slice()));
    match label {
        Some(label) => Ok(("template_card_event", label)),
        None => Err(format!("the card has no button {key:?}")),
    }
}

fn chosen(fields: Fields, chosen: &[(String, Vec<String>)]) -> Fields {
    if chosen.is_empty() {
        return fields;
    }
    let items = chosen.iter().fold(Fields::new(), |items, (key, options)| {
        let ids = options
            .iter()
            .fold(Fields::new(), |ids, id| ids.text("OptionId", id));
        let item = Fields::new()
            .text("QuestionKey", key)
            .group("OptionIds", ids);
        items.group("SelectedItem", item)
    });
    fields.group("SelectedItems", items)
}
