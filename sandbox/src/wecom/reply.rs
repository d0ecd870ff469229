//! What the bridge answers a callback with: nothing, as is recommended, or an encrypted passive reply (WeCom notes, 1.3, 2.5).
//!
//! The real platform ignores what it cannot read; so does this one. The wire page shows what a sealed answer says.

use super::Wecom;
use super::body;
use crate::content::{Article, Content};
use crate::courier::Reply;
use crate::wechat::crypto::sign;
use crate::wechat::xml::{self, Node};

/// Does what a passive reply says to the member who caused the callback.
pub(super) fn obey(wecom: &Wecom, app: usize, member: &str, card: Option<u64>, reply: &Reply) {
    let Some(said) = read(wecom, app, member, &reply.body) else {
        return;
    };
    if said.text_of("MsgType") == "update_button" {
        let name = said
            .child("Button")
            .map_or("", |it| it.text_of("ReplaceName"));
        if let Some(bubble) = card {
            wecom.grey(member, app, bubble, name);
        }
        return;
    }
    let mut state = wecom.0.state.lock();
    let Some(content) = content(wecom, &state.uploads, &said) else {
        return;
    };
    let mut message = wecom.bubble(content);
    message.note = Some("被动回复".into());
    wecom.show(&mut state, member, app, message);
}

/// The reply's document, where it is signed, sealed for the corp and addressed to the member.
fn read(wecom: &Wecom, app: usize, member: &str, body: &[u8]) -> Option<Node> {
    let outer = xml::read(std::str::from_utf8(body).ok()?).ok()?;
    let (timestamp, nonce) = (outer.text_of("TimeStamp"), outer.text_of("Nonce"));
    let encrypted = outer.text_of("Encrypt");
    let corp = &wecom.0.settings.corp_id;
    let plain = {
        let state = wecom.0.state.lock();
        let app = &state.apps[app];
        let expected = sign(&[&app.settings.token, timestamp, nonce, encrypted]);
        if expected != outer.text_of("MsgSignature") {
            return None;
        }
        app.key.open(encrypted, corp).ok()?
    };
    let said = xml::read(&plain).ok()?;
    let addressed = said.text_of("ToUserName").eq_ignore_ascii_case(member)
        && said.text_of("FromUserName") == corp;
    addressed.then_some(said)
}

fn content(wecom: &Wecom, uploads: &super::media::Uploads, said: &Node) -> Option<Content> {
    let file = |element: &str, kind: &str| {
        let id = said.child(element)?.text_of("MediaId");
        wecom.uploaded(uploads, &id.into(), kind).ok()
    };
    match said.text_of("MsgType") {
        "text" => {
            let inner = serde_json::json!({"content": said.text_of("Content")});
            body::text(&inner).ok()
        }
        "image" => file("Image", "image"),
        "voice" => file("Voice", "voice"),
        "video" => file("Video", "video"),
        "news" => {
            let items = &said.child("Articles")?.children;
            let articles = items.iter().map(|item| Article {
                title: item.text_of("Title").to_owned(),
                description: item.text_of("Description").to_owned(),
                url: item.text_of("Url").to_owned(),
                picture_url: item.child("PicUrl").map(|url| url.text.clone()),
            });
            let articles = articles.collect();
            Some(Content::News { articles })
        }
        _ => None,
    }
}
