//! Who a visitor is.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bridge_core::{
    channel::{Channel as _, ChannelErrorKind, Delivery, Live as _, Verb},
    message::EntryId,
    testkit::NOW,
};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::{hello, later, other, site, site_with, visitor};

#[test]
fn a_token_names_the_same_visitor_until_it_expires_and_is_renewed() {
    let site = site_with(json!({ "token_lifetime": "1h" })).unwrap();
    let first = visitor(&site);
    assert!(first.is_new && first.seen.is_none());
    let again = site.greet(&hello(&first.token), later(3599)).unwrap();
    assert_eq!(
        (&again.peer, again.seen, again.is_new),
        (&first.peer, Some(EntryId(7)), false)
    );
    assert_eq!(again.until, later(3599 + 3600));
    assert!(
        site.greet(&hello(&again.token), later(7000)).is_ok(),
        "renewed"
    );
    let expired = site.greet(&hello(&first.token), later(3600)).unwrap_err();
    assert_eq!(expired.kind, ChannelErrorKind::Forged);
    assert_ne!(visitor(&site).peer, first.peer);
}

#[test]
fn every_changed_byte_and_every_other_key_is_noticed() {
    let site = site();
    let token = visitor(&site).token;
    let raw = BASE64.decode(&token).unwrap();
    for at in 0..raw.len() {
        let mut forged = raw.clone();
        forged[at] ^= 1;
        assert!(
            site.whose(&BASE64.encode(forged), NOW).is_err(),
            "byte {at}"
        );
    }
    for token in [
        "",
        "!",
        "AAAA",
        &token[1..],
        &format!("{token}AAAA"),
        &"A".repeat(1 << 20),
    ] {
        assert!(site.whose(token, NOW).is_err());
    }
    assert!(site.whose(&token, NOW).is_ok());
    assert!(
        other("shop", 7).whose(&token, NOW).is_err(),
        "another inbox"
    );
    assert!(
        other("site", 8).whose(&token, NOW).is_err(),
        "another installation"
    );
    assert!(
        other("site", 7).whose(&token, NOW).is_ok(),
        "another node of this one"
    );
}

#[test]
fn only_what_we_sealed_is_a_delivery() {
    let site = site();
    let token = BASE64.decode(visitor(&site).token).unwrap();
    for body in [
        Vec::new(),
        b"[]".to_vec(),
        [&[0; 32][..], b"[]"].concat(),
        token,
    ] {
        let delivery = Delivery {
            verb: Verb::Post,
            query: String::new(),
            body: Bytes::from(body),
            received_at: NOW,
        };
        assert_eq!(
            site.decode(&delivery).unwrap_err().kind,
            ChannelErrorKind::Forged
        );
    }
}

proptest! {
    /// Whatever a stranger shows at a door, it opens nothing.
    #[test]
    fn no_door_opens_to_what_we_did_not_make(
        words in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,80}", "(\\.\\./|/|%2e){1,8}[a-z.]{0,12}"],
    ) {
        let site = site();
        prop_assert!(site.whose(&words, NOW).is_err());
        prop_assert!(!words.contains("..") || site.document(&words).is_none());
        let delivery = Delivery {
            verb: Verb::Post,
            query: words.clone(),
            body: Bytes::from(words.clone().into_bytes()),
            received_at: NOW,
        };
        prop_assert_eq!(site.decode(&delivery).unwrap_err().kind, ChannelErrorKind::Forged);
        let say = serde_json::json!({ "t": "say", "id": "1767232800-k3xw9q2m", "kind": "file", "ticket": words });
        let heard = site.hear(&visitor(&site), &say.to_string(), NOW);
        prop_assert!(!matches!(heard, bridge_core::channel::Heard::Said { .. }), "{:?}", heard);
    }
}
