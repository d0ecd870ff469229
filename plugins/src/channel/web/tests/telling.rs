//! What pages are told.

use std::time::Duration;

use bridge_core::{
    channel::{Line, Live as _, News, Refusal, Shown},
    conversation::{Phase, Waiting},
    media::KeptMedia,
    message::{ArrivalId, Content, EntryId, InboxName, Media, MenuItem},
    store::{Entry, EntryAuthor},
    testkit::NOW,
};
use serde_json::{Value, json};

use super::site;

fn told(news: &News<'_>) -> Value {
    serde_json::from_str(&site().tell(news)).unwrap()
}

fn line(content: Content, mime: Option<&str>) -> Line {
    let media = content.media().len();
    Line {
        entry: Entry {
            id: EntryId(5),
            trace: ArrivalId(3),
            episode: 1,
            author: EntryAuthor::Agent("lin".into()),
            content,
            at: NOW,
        },
        agent: Some("林小满".to_owned()),
        media: vec![
            mime.map(|mime| Shown {
                kept: KeptMedia {
                    hash: "ab".repeat(32),
                    mime: mime.to_owned(),
                    size: 2048,
                    name: "a.bin".to_owned(),
                    dimensions: Some((40, 30)),
                },
                url: "https://kefu.example.com/media/T/a.bin".to_owned(),
            });
            media
        ],
    }
}

#[test]
fn every_kind_has_its_form() {
    let media = || Media::remote(&InboxName::new("desk"), "m", None);
    let rated = MenuItem {
        id: "15".to_owned(),
        label: "满意".to_owned(),
    };
    let lines = [
        line(Content::markdown("**粗** <b>"), None),
        line(Content::Image { media: media() }, Some("image/png")),
        line(Content::Image { media: media() }, None),
        line(
            Content::Voice {
                media: media(),
                words: Some("喂".to_owned()),
                seconds: Some(3),
            },
            Some("audio/mpeg"),
        ),
        line(
            Content::Video {
                media: media(),
                thumbnail: Some(media()),
                seconds: None,
            },
            Some("video/mp4"),
        ),
        line(Content::File { media: media() }, Some("application/pdf")),
        line(
            Content::Location {
                latitude: 22.5,
                longitude: 114.1,
                label: "深圳".to_owned(),
            },
            None,
        ),
        line(
            Content::Link {
                title: "标题".to_owned(),
                description: "说明".to_owned(),
                url: "https://example.com".to_owned(),
                picture_url: None,
            },
            None,
        ),
        line(
            Content::MiniProgram {
                app_id: "wx1".to_owned(),
                title: "订单".to_owned(),
                path: "p".to_owned(),
                thumbnail: None,
            },
            None,
        ),
        line(
            Content::Menu {
                head: "请打分".to_owned(),
                items: vec![rated],
                tail: "谢谢".to_owned(),
            },
            None,
        ),
        line(
            Content::Choice {
                id: "15".to_owned(),
                label: "满意".to_owned(),
            },
            None,
        ),
    ];
    insta::assert_json_snapshot!(told(&News::Lines(&lines)));
}

#[test]
fn other_news_are_short() {
    let waiting = Phase::Queued(Waiting {
        since: NOW,
        priority: 5,
        skill: None,
        agent: None,
    });
    for (news, expected) in [
        (News::Typing, json!({ "t": "typing" })),
        (News::Pong, json!({ "t": "pong" })),
        (
            News::State {
                phase: &waiting,
                agent: None,
                position: Some(2),
            },
            json!({ "t": "state", "phase": "queued", "agent": null, "position": 2 }),
        ),
        (
            News::Taken {
                id: "i",
                trace: Some(ArrivalId(9)),
            },
            json!({ "t": "taken", "id": "i", "trace": 9 }),
        ),
        (
            News::Refused {
                id: "i",
                why: Refusal::TooFast {
                    after: Duration::from_millis(1500),
                },
            },
            json!({ "t": "refused", "id": "i", "why": "too_fast", "after": 1500 }),
        ),
        (
            News::Refused {
                id: "i",
                why: Refusal::Stale,
            },
            json!({ "t": "refused", "id": "i", "why": "stale", "after": null }),
        ),
        (
            News::Earlier {
                lines: &[],
                more: false,
            },
            json!({ "t": "earlier", "lines": [], "more": false }),
        ),
    ] {
        assert_eq!(told(&news), expected);
    }
}

/// Notes, events and what could not be read are nobody's business out there.
#[test]
fn what_agents_say_to_one_another_is_not_for_the_contact() {
    let mut entry = line(Content::text("x"), None).entry;
    assert!(entry.is_for_contact());
    entry.content = Content::Recalled {
        external_id: "7".to_owned(),
    };
    entry.author = EntryAuthor::Agent("lin".into());
    assert!(entry.is_for_contact(), "what an agent has taken back");
    entry.author = EntryAuthor::Contact;
    assert!(!entry.is_for_contact());
    entry.content = Content::text("x");
    entry.author = EntryAuthor::Note;
    assert!(!entry.is_for_contact());
    entry.author = EntryAuthor::Contact;
    entry.content = Content::Unsupported {
        what: "w".to_owned(),
        summary: String::new(),
    };
    assert!(!entry.is_for_contact());
}
