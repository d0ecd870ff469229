//! What anybody can show at a site's doors beside the frames of the socket: a token, a path, a callback without our seal, a
//! ticket. The property-test twin is in `plugins/src/channel/web/tests/tokens.rs`.
#![no_main]

use std::sync::LazyLock;

use bridge_core::{
    channel::{Channel, Delivery, Live, Verb, Visit},
    plugin::{Plugin, read_config},
    testkit,
};
use bridge_plugins::channel::web::Web;

static SITE: LazyLock<(Web, Visit)> = LazyLock::new(|| {
    let config = serde_json::json!({ "origins": ["https://www.example.com"] });
    let config = read_config(config).unwrap_or_else(|error| panic!("{error}"));
    let site = Web::build(config, &testkit::tools()).unwrap_or_else(|error| panic!("{error}"));
    let visit = site.greet("{\"t\":\"hello\"}", testkit::NOW);
    let visit = visit.unwrap_or_else(|error| panic!("{error}"));
    (site, visit)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (site, visit) = &*SITE;
    let words = String::from_utf8_lossy(data);
    let delivery = Delivery {
        verb: Verb::Post,
        query: words.to_string(),
        body: data.to_vec().into(),
        received_at: testkit::NOW,
    };
    assert!(site.decode(&delivery).is_err(), "it has no seal of ours");
    if words != visit.token {
        assert!(
            site.whose(&words, testkit::NOW).is_err(),
            "no token of ours"
        );
    }
    let _ = (
        site.document(&words),
        site.admits(&words),
        site.takes(&words),
    );
    let say = serde_json::json!({
        "t": "say", "id": "1767232800-k3xw9q2m", "kind": "file", "ticket": words, "from": words, "name": words,
    });
    let _ = site.hear(visit, &say.to_string(), testkit::NOW);
});
