//! What visitors say.

use bridge_core::{
    channel::{Channel as _, Delivery, Heard, Live as _, Refusal, Verb, Visit},
    clock::Timestamp,
    media::KeptMedia,
    message::{Arrival, Author, Content, EntryId, Event, What},
    testkit::NOW,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{later, site, site_with, visitor};
use crate::channel::web::Web;

const ID: &str = "1767232800-k3xw9q2m";

fn say(more: Value) -> String {
    let mut frame = json!({ "t": "say", "id": ID });
    for (key, value) in more.as_object().unwrap() {
        frame[key] = value.clone();
    }
    frame.to_string()
}

/// What becomes of a frame when it is accepted: as decode reads it.
fn arrivals(
    site: &Web,
    visit: &Visit,
    frame: &str,
    now: Timestamp,
) -> Result<Vec<Arrival>, Refusal> {
    match site.hear(visit, frame, now) {
        Heard::Said { delivery, .. } => {
            let delivery = Delivery {
                verb: Verb::Post,
                query: String::new(),
                body: delivery,
                received_at: now,
            };
            Ok(site.decode(&delivery).unwrap().arrivals)
        }
        Heard::Refused { why, .. } => Err(why),
        other => panic!("{frame}: {other:?}"),
    }
}

fn content(arrival: &Arrival) -> &Content {
    match &arrival.what {
        What::Content(content) => content,
        What::Cue(cue) => panic!("{cue:?}"),
    }
}

#[test]
fn words_become_an_arrival_whose_id_begins_with_its_second() {
    let (site, now) = (site(), later(5));
    let visit = visitor(&site);
    let frame = say(
        json!({ "kind": "text", "text": " 你好\u{0} ", "from": "agent:lin", "name": "王女士\n" }),
    );
    let [entered, said] = arrivals(&site, &visit, &frame, now)
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(
        content(&entered),
        &Content::Event(Event::Entered {
            from: "agent:lin".to_owned(),
            greet: false,
        })
    );
    assert_eq!(content(&said), &Content::text("你好"));
    assert_eq!(
        said.external_id.as_str(),
        format!("1767232800:{}:k3xw9q2m", visit.peer)
    );
    assert_ne!(said.external_id, entered.external_id);
    assert_eq!((&said.author, &said.peer), (&Author::Contact, &visit.peer));
    assert_eq!(said.profile.unwrap().name.as_deref(), Some("王女士"));
    // The same frame later is the same message.
    let again = arrivals(&site, &visit, &frame, later(3600)).unwrap();
    assert_eq!(again[1].external_id, said.external_id);
}

#[test]
fn what_is_of_no_use_is_refused_with_its_reason() {
    let site = site_with(json!({ "text_bytes": 64 })).unwrap();
    let visit = visitor(&site);
    let text = |id: &str| json!({ "t": "say", "id": id, "kind": "text", "text": "x" }).to_string();
    for (frame, why) in [
        (
            say(json!({ "kind": "text", "text": "" })),
            Refusal::Malformed,
        ),
        (
            say(json!({ "kind": "text", "text": " \n\u{3000}" })),
            Refusal::Malformed,
        ),
        (
            say(json!({ "kind": "text", "text": "长".repeat(22) })),
            Refusal::TooLong,
        ),
        (
            say(json!({ "kind": "upload", "ticket": "AAAA" })),
            Refusal::Ticket,
        ),
        (
            say(json!({ "kind": "upload", "ticket": visit.token })),
            Refusal::Ticket,
        ),
        (
            say(json!({ "kind": "choice", "choice": "x1", "label": "好" })),
            Refusal::Malformed,
        ),
        (
            say(json!({ "kind": "choice", "choice": "", "label": "好" })),
            Refusal::Malformed,
        ),
        (
            say(json!({ "kind": "choice", "choice": "15", "label": "" })),
            Refusal::Malformed,
        ),
        (text(""), Refusal::Malformed),
        (text("1767232800"), Refusal::Malformed),
        (text("1767232800-SHOUTING"), Refusal::Malformed),
        (text("1767232800-short"), Refusal::Malformed),
        (
            text(&format!("1767232800-{}", "a".repeat(33))),
            Refusal::Malformed,
        ),
        (text("-767232800-k3xw9q2m"), Refusal::Malformed),
        (text("1767146399-k3xw9q2m"), Refusal::Stale),
        (text("1767233401-k3xw9q2m"), Refusal::Stale),
        (text("9999999999-k3xw9q2m"), Refusal::Stale),
    ] {
        assert_eq!(arrivals(&site, &visit, &frame, NOW), Err(why), "{frame}");
    }
}

#[test]
fn an_upload_is_sent_by_its_owner_alone_and_not_for_ever() {
    let site = site();
    let (owner, stranger) = (visitor(&site), visitor(&site));
    let ticket = |mime: &str| {
        let kept = KeptMedia {
            hash: "ab".repeat(32),
            mime: mime.to_owned(),
            size: 10,
            name: "x".to_owned(),
            dimensions: None,
        };
        site.ticket(&owner.peer, &kept, NOW)
    };
    let sent = |mime: &str, seconds: Option<u32>| {
        let frame = say(json!({ "kind": "upload", "ticket": ticket(mime), "seconds": seconds }));
        content(&arrivals(&site, &owner, &frame, NOW).unwrap()[0]).clone()
    };
    assert!(matches!(sent("image/png", None), Content::Image { .. }));
    assert!(matches!(
        sent("audio/x-wav", Some(0)),
        Content::Voice {
            seconds: Some(1),
            ..
        }
    ));
    assert!(matches!(sent("audio/x-wav", None), Content::File { .. }));
    assert!(matches!(sent("image/png", Some(3)), Content::Image { .. }));
    assert!(matches!(
        sent("video/mp4", Some(u32::MAX)),
        Content::Video { .. }
    ));
    assert!(matches!(
        sent("application/pdf", None),
        Content::File { .. }
    ));

    let frame = say(json!({ "kind": "upload", "ticket": ticket("image/png") }));
    assert_eq!(
        arrivals(&site, &stranger, &frame, NOW),
        Err(Refusal::Ticket)
    );
    let soon = say(json!({ "kind": "upload", "ticket": ticket("image/png") }))
        .replace(ID, "1767319199-k3xw9q2m");
    assert!(arrivals(&site, &owner, &soon, later(86_399)).is_ok());
    let late = say(json!({ "kind": "upload", "ticket": ticket("image/png") }))
        .replace(ID, "1767319200-k3xw9q2m");
    assert_eq!(
        arrivals(&site, &owner, &late, later(86_400)),
        Err(Refusal::Ticket)
    );
}

#[test]
fn other_frames_are_read_and_noise_is_noise() {
    let site = site();
    let visit = visitor(&site);
    let heard = |frame: &str| site.hear(&visit, frame, NOW);
    assert_eq!(heard("{\"t\":\"ping\"}"), Heard::Ping);
    assert_eq!(
        heard("{\"t\":\"earlier\",\"before\":9,\"new\":1}"),
        Heard::Earlier(EntryId(9))
    );
    for noise in [
        "",
        "null",
        "{}",
        "{\"t\":\"hello\"}",
        "{\"t\":\"say\"}",
        "{\"t\":\"earlier\"}",
        "{\"t\":\"note\",\"text\":\"x\"}",
    ] {
        assert_eq!(heard(noise), Heard::Noise, "{noise}");
    }
}

proptest! {
    #[test]
    fn no_frame_breaks_it(frame in "\\PC{0,200}", id in "\\PC{0,40}", text in "\\PC{0,100}") {
        let site = site();
        let visit = visitor(&site);
        let _ = site.greet(&frame, NOW);
        let _ = site.hear(&visit, &frame, NOW);
        let frame = json!({ "t": "say", "id": id, "kind": "text", "text": text, "from": text, "name": id });
        let _ = site.hear(&visit, &frame.to_string(), NOW);
        let frame = json!({ "t": "say", "id": ID, "kind": "choice", "choice": id, "label": text });
        let _ = site.hear(&visit, &frame.to_string(), NOW);
        let frame = json!({ "t": "say", "id": ID, "kind": "upload", "ticket": text });
        let _ = site.hear(&visit, &frame.to_string(), NOW);
    }
}
