//! What a stranger's page sends on a visitor's socket: a first frame, and any later one. The property-test twin is in
//! `plugins/src/channel/web/tests/saying.rs`.
#![no_main]

use std::sync::LazyLock;

use bridge_core::{
    channel::{Live, Visit},
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

libfuzzer_sys::fuzz_target!(|frame: &str| {
    let (site, visit) = &*SITE;
    let _ = site.greet(frame, testkit::NOW);
    let _ = site.hear(visit, frame, testkit::NOW);
});
