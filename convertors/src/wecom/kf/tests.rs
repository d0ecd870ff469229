use bridge_core::{
    channel::Capabilities,
    convert::Convertor,
    message::{Content, ContentKind, Event, InboxName, Media, MenuItem},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Kf,
    read::{self, Origin},
    write::is_repeat,
};
use crate::wechat::Fields;

fn kf() -> Kf {
    Kf {
        inbox: InboxName::new("kf"),
    }
}

/// The samples of the protocol notes, a row each.
fn rows() -> Vec<Value> {
    let text = include_str!("../../../../tests/fixtures/wecom/kf_rows.txt");
    text.lines()
        .map(|line| serde_json::from_str(&line[line.find(": {").unwrap() + 2..]).unwrap())
        .collect()
}

fn row(kind: &str) -> Value {
    let found = rows().into_iter().find(|row| row["msgtype"] == kind);
    found.unwrap_or_else(|| panic!("no sample of {kind}"))
}

fn event(kind: &str) -> Value {
    let found = rows()
        .into_iter()
        .find(|row| row["event"]["event_type"] == kind);
    found.unwrap_or_else(|| panic!("no sample of {kind}"))
}

fn said(row: &Value) -> Content {
    read::content(row, &kf().inbox)
}

#[test]
fn every_sample_says_something_and_has_an_id_and_a_time() {
    assert_eq!(rows().len(), 32);
    for row in rows() {
        assert!(read::message_id(&row).is_some());
        assert!(read::sent_at(&row).is_some());
        let content = said(&row);
        if let Content::Unsupported { what, .. } = &content {
            assert_eq!(what, row["msgtype"].as_str().unwrap());
        }
        assert_ne!(read::origin(&row), Origin::Other);
    }
}

#[test]
fn kinds_are_told_apart() {
    let kind = |name: &str| said(&row(name)).kind();
    for (name, expected) in [
        ("text", ContentKind::Text),
        ("image", ContentKind::Image),
        ("voice", ContentKind::Voice),
        ("video", ContentKind::Video),
        ("file", ContentKind::File),
        ("location", ContentKind::Location),
        ("link", ContentKind::Link),
        ("miniprogram", ContentKind::MiniProgram),
        ("business_card", ContentKind::Unsupported),
        ("note", ContentKind::Unsupported),
        ("hologram", ContentKind::Unsupported),
    ] {
        assert_eq!(kind(name), expected, "{name}");
    }
    let tapped = rows()
        .into_iter()
        .find(|row| row["text"]["menu_id"].is_string());
    let Content::Choice { id, label } = said(&tapped.unwrap()) else {
        panic!("a tapped menu is a choice")
    };
    assert_eq!((id.as_str(), label.as_str()), ("m_track", "查物流"));
}

#[test]
fn what_has_no_kind_shows_what_can_be_read_of_it() {
    let summary = |name: &str| match said(&row(name)) {
        Content::Unsupported { summary, .. } => summary,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        summary("channels_shop_product"),
        "商品：杯子 · ¥19.90 · 小店"
    );
    assert_eq!(summary("channels"), "视频号动态 · 官方号 · 新品");
    assert_eq!(summary("merged_msg"), "聊天记录\n王：坏了\n王：[image]");
    assert!(summary("channels_shop_order").contains("O77"));
    assert_eq!(summary("hologram"), r#"{"x":1}"#);
    let prices: Vec<_> = rows()
        .iter()
        .filter(|row| row["msgtype"] == "channels_shop_product")
        .map(said)
        .collect();
    assert_eq!(prices[0], prices[1], "a price is a string or a number");
}

#[test]
fn events_are_facts() {
    let entered = event("enter_session");
    assert_eq!(
        said(&entered),
        Content::Event(Event::Entered {
            from: "order=42".to_owned(),
            greet: true
        })
    );
    assert_eq!(read::welcome_code(&entered), Some("WELCOME-1"));
    assert_eq!(read::customer(&entered), Some("wmCust0001"));
    assert!(matches!(
        said(&event("msg_send_fail")),
        Content::Event(Event::DeliveryReport { external_id, delivered: false, reason, used_up: true })
            if external_id == "out-0007" && reason.contains('5')
    ));
    assert!(matches!(
        said(&event("user_recall_msg")),
        Content::Recalled { external_id } if external_id == "kfmsg-0001"
    ));
    assert_eq!(read::customer(&event("servicer_status_change")), None);
    let away = Content::Event(Event::Presence { online: false });
    assert_eq!(said(&event("servicer_status_change")), away);
    assert_eq!(
        read::servicer(&event("servicer_status_change")),
        Some("agent.li")
    );
    let Content::Event(Event::Other { detail, .. }) = said(&json!({ "msgtype": "event",
        "event": { "event_type": "session_status_change", "change_type": 9, "msg_code": "secret" } }))
    else {
        panic!("recorded")
    };
    assert!(
        !detail.contains_key("msg_code"),
        "codes are nobody's to read: {detail:?}"
    );
}

#[test]
fn changes_of_a_session_name_who_has_it_and_the_word_that_may_be_said() {
    let changes: Vec<Value> = rows()
        .into_iter()
        .filter(|row| row["event"]["event_type"] == "session_status_change")
        .collect();
    let found: Vec<_> = changes
        .iter()
        .map(|row| {
            let ended = said(row) == Content::Event(Event::Ended);
            assert!(ended || said(row) == Content::Event(Event::Taken));
            let word = read::row_last_word(row).map(|word| (word.seconds, word.menu));
            (ended, read::servicer(row).unwrap(), word)
        })
        .collect();
    assert_eq!(
        found,
        [
            (false, "agent.li", Some((48 * 3600, false))),
            (false, "agent.wu", None),
            (true, "agent.wu", Some((20, true))),
            (false, "agent.li", None),
        ]
    );
}

#[test]
fn a_hint_names_its_account() {
    let read = |text: &str| read::hint(&Fields::read(text.as_bytes()).unwrap());
    let hint = read(
        "<xml><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[ENC1]]></Token><OpenKfId><![CDATA[wk1]]></OpenKfId></xml>",
    );
    let hint = hint.unwrap();
    assert_eq!(
        (hint.open_kf_id.as_str(), hint.token.as_deref()),
        ("wk1", Some("ENC1"))
    );
    assert_eq!(read("<xml><Event>subscribe</Event></xml>"), None);
    assert!(is_repeat("errcode 95000: msgid already exist"));
    assert!(!is_repeat("errcode 40058: msgid too long"));
}

#[test]
fn messages_are_written_as_the_platform_takes_them() {
    let write = |content: Content| kf().write(&content, &Capabilities::default()).unwrap();
    let text = write(Content::text("已为您查询"));
    assert_eq!(
        text.parts,
        [json!({ "msgtype": "text", "text": { "content": "已为您查询" } })]
    );
    let menu = write(Content::Menu {
        head: "请选择".to_owned(),
        items: (0..12)
            .map(|id| MenuItem {
                id: id.to_string(),
                label: format!("选项{id}"),
            })
            .collect(),
        tail: String::new(),
    });
    assert_eq!(
        menu.parts[0]["msgmenu"]["list"].as_array().unwrap().len(),
        10
    );
    assert_eq!(menu.lost.len(), 1, "the loss is told");
    let page = write(Content::MiniProgram {
        app_id: "wx1".to_owned(),
        title: "订".repeat(40),
        path: "pages/order?id=42".to_owned(),
        thumbnail: Some(Media::remote(&kf().inbox, "T", None)),
    });
    let page = &page.parts[0]["miniprogram"];
    assert_eq!(page["pagepath"], "pages/order.html?id=42");
    assert!(page["title"].as_str().unwrap().len() <= 64);
    let elsewhere = Media::remote(
        &InboxName::new("mall"),
        "M",
        Some("https://x/1.png".to_owned()),
    );
    let image = write(Content::Image { media: elsewhere });
    assert_eq!(
        image.parts[0]["msgtype"], "text",
        "what is not at this platform is a link"
    );
    assert_eq!(image.lost.len(), 1);
    assert!(
        kf().write(&Content::text(" "), &Capabilities::default())
            .is_err()
    );
}

proptest! {
    /// Whatever comes, every row says something, within bounds.
    #[test]
    fn no_row_breaks_the_reading(kind in "[a-z_]{0,12}", text in ".{0,2000}", number: i64, nested in 0usize..6) {
        let mut body = json!({ "content": text, "media_id": number, "item": [] });
        for _ in 0..nested {
            let inner = json!({ "msgtype": "merged_msg", "merged_msg": body }).to_string();
            body = json!({ "title": "t", "item": [{ "sender_name": "n", "msg_content": inner }] });
        }
        for kind in [kind.as_str(), "merged_msg", "text", "event", "location"] {
            let row = json!({ "msgtype": kind, kind: body, "origin": number, "send_time": text });
            let content = said(&row);
            if let Content::Unsupported { summary, what } = content {
                prop_assert!(summary.chars().count() <= 1000 && what.chars().count() <= 64);
            }
            read::customer(&row);
        }
    }
}
