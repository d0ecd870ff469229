//! The way in for a fuzzer: bytes that anybody on the internet could send, through every reader of this module; and the same
//! push in both formats, which must read as the same thing.

use bridge_core::{convert::Convertor, message::InboxName, texts::Locale};

use super::{
    Fields, MiniApp, WeChat, Wire, callback,
    reply::{self, Form, cdata},
};

/// Reads any bytes as a callback's body, as content, and answers it; must not panic, whatever comes.
pub fn fuzz_callback(body: &[u8]) {
    let Ok(fields) = Fields::read(body) else {
        return;
    };
    let inbox = InboxName::new("fuzz");
    let _ = callback::content(&fields, &inbox);
    let _ = callback::peer(&fields);
    let _ = callback::external_id(&fields, callback::create_time(&fields).unwrap_or(0));
    let field = |name| fields.get(name).unwrap_or_default();
    let _ = reply::transfer(
        field("FromUserName"),
        field("ToUserName"),
        0,
        Form::of(body),
    );
    let mini = MiniApp {
        locale: Locale::Zh,
        inbox: inbox.clone(),
        app_id: "wx0123456789abcdef".to_owned(),
    };
    let wire = Wire::Callback(fields);
    let _ = mini.read(&wire);
    let locale = Locale::Zh;
    let _ = WeChat { inbox, locale }.read(&wire);
}

/// What a push may be made of.
const NAMES: [&str; 16] = [
    "Content",
    "SessionFrom",
    "EventKey",
    "MsgId",
    "PicUrl",
    "MediaId",
    "Title",
    "AppId",
    "PagePath",
    "ThumbUrl",
    "ThumbMediaId",
    "OpenID",
    "RevokeInfo",
    "KfAccount",
    "bizmsgmenuid",
    "Unheard",
];
const KINDS: [&str; 8] = [
    "text",
    "image",
    "miniprogrampage",
    "event",
    "voice",
    "link",
    "location",
    "unheard",
];
const EVENTS: [&str; 8] = [
    "user_enter_tempsession",
    "subscribe_msg_popup_event",
    "subscribe_msg_change_event",
    "subscribe_msg_sent_event",
    "user_authorization_revoke",
    "user_info_modified",
    "kf_create_session",
    "unheard",
];
const LISTED: [&str; 4] = ["TemplateId", "SubscribeStatusString", "MsgID", "ErrorCode"];

/// Makes a push of `data`, writes it as XML and as JSON, and reads both.
///
/// # Errors
/// How the two differ.
pub fn forms_agree(data: &[u8]) -> Result<(), String> {
    let push = Push::of(data);
    let (xml, json) = (push.xml(), push.json());
    let read = |body: &str| {
        let fields = Fields::read(body.as_bytes()).map_err(|error| format!("{error}: {body}"))?;
        let said = callback::content(&fields, &InboxName::new("fuzz"));
        let peer = callback::peer(&fields).map(str::to_owned);
        Ok::<_, String>((said, peer, callback::trigger(&fields)))
    };
    let (from_xml, from_json) = (read(&xml)?, read(&json)?);
    match from_xml == from_json {
        true => Ok(()),
        false => Err(format!("{xml}\n{json}\n{from_xml:?}\n{from_json:?}")),
    }
}

struct Push {
    fields: Vec<(&'static str, String)>,
    /// The element that wraps lists in XML, and the lists.
    wrapper: Option<&'static str>,
    lists: Vec<Vec<(&'static str, String)>>,
}

impl Push {
    /// The first bytes choose kind and event; the rest are lines, each a field: which one, then what it says.
    fn of(data: &[u8]) -> Self {
        let pick = |place: usize| usize::from(data.get(place).copied().unwrap_or_default());
        let (kind, event) = (KINDS[pick(0) % 8], EVENTS[pick(1) % 8]);
        let mut fields = vec![
            ("ToUserName", "gh_1".to_owned()),
            ("FromUserName", "o-zhou".to_owned()),
            ("CreateTime", "1735689601".to_owned()),
            ("MsgType", kind.to_owned()),
        ];
        let wrapper = match (kind, event) {
            ("event", "subscribe_msg_popup_event") => Some("SubscribeMsgPopupEvent"),
            ("event", "subscribe_msg_change_event") => Some("SubscribeMsgChangeEvent"),
            ("event", "subscribe_msg_sent_event") => Some("SubscribeMsgSentEvent"),
            _ => None,
        };
        if kind == "event" {
            fields.push(("Event", event.to_owned()));
        }
        let mut lists: Vec<Vec<(&'static str, String)>> = Vec::new();
        let lines = data
            .get(2..)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n');
        for line in lines.take(24) {
            let Some((which, said)) = line.split_first() else {
                continue;
            };
            let said = speakable(&String::from_utf8_lossy(said));
            let which = usize::from(*which);
            match wrapper {
                Some(_) => {
                    let name = LISTED[which % 4];
                    match lists.last_mut() {
                        Some(list) if list.iter().all(|(known, _)| *known != name) => {
                            list.push((name, said));
                        }
                        _ => lists.push(vec![(name, said)]),
                    }
                }
                None => {
                    let name = NAMES[which % 16];
                    if fields.iter().all(|(known, _)| *known != name) {
                        fields.push((name, said));
                    }
                }
            }
        }
        Self {
            fields,
            wrapper,
            lists,
        }
    }

    fn xml(&self) -> String {
        let elements = |fields: &[(&str, String)]| -> String {
            let fields = fields.iter();
            fields
                .map(|(name, said)| format!("<{name}>{}</{name}>", cdata(said)))
                .collect()
        };
        let lists: String = self
            .lists
            .iter()
            .map(|list| format!("<List>{}</List>", elements(list)))
            .collect();
        let lists = match self.wrapper {
            Some(wrapper) => format!("<{wrapper}>{lists}</{wrapper}>"),
            None => lists,
        };
        format!("<xml>{}{lists}</xml>", elements(&self.fields))
    }

    /// One list stands by itself, several in an array (WeChat: 2.5).
    fn json(&self) -> String {
        let members = |fields: &[(&str, String)]| -> String {
            let fields = fields.iter().map(|(name, said)| {
                format!("\"{name}\":{}", serde_json::Value::from(said.as_str()))
            });
            fields.collect::<Vec<_>>().join(",")
        };
        let lists: Vec<String> = self
            .lists
            .iter()
            .map(|list| format!("{{{}}}", members(list)))
            .collect();
        let lists = match lists.as_slice() {
            [] => String::new(),
            [one] => format!(",\"List\":{one}"),
            several => format!(",\"List\":[{}]", several.join(",")),
        };
        format!("{{{}{lists}}}", members(&self.fields))
    }
}

/// What both formats can hold: XML has no control characters and makes a line feed of every line's end.
fn speakable(text: &str) -> String {
    let legal = |c: &char| matches!(c, '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(legal).collect()
}
