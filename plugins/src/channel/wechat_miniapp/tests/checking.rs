//! What is wrong with a section or an account is found before anybody writes.

use bridge_core::{channel::Channel, plugin::Plugin};
use serde_json::{Value, json};

use super::super::{MiniApp, config::Config};
use super::{channel, stage};

#[tokio::test]
async fn the_check_finds_what_is_wrong() {
    let (sandbox, app, _phone) = stage();
    let findings = app.check().unwrap().check().await;
    for key in ["app_secret", "token", "page", "nudge.template"] {
        assert!(findings.iter().any(|one| one.key == key), "{key}");
    }
    assert!(findings.iter().all(|one| one.ok), "{findings:?}");
    let cases: [(&str, fn(&mut Value)); 5] = [
        ("app_secret", |config| config["app_secret"] = json!("wrong")),
        ("app_id", |config| {
            config["app_id"] = json!("wx0000000000000000")
        }),
        ("page", |config| config["page"] = json!("pages/none")),
        ("nudge.template", |config| {
            config["nudge"]["template"] = json!("none")
        }),
        ("nudge.fields", |config| {
            config["nudge"]["fields"] = json!({"thing9": "{summary}"})
        }),
    ];
    for (key, change) in cases {
        let findings = channel(&sandbox, change).check().unwrap().check().await;
        let bad: Vec<_> = findings.iter().filter(|one| !one.ok).collect();
        assert_eq!(bad.iter().map(|one| one.key).collect::<Vec<_>>(), [key]);
        assert!(
            !bad[0].mend.zh.is_empty() && !bad[0].mend.en.is_empty(),
            "{key}"
        );
    }
}

#[test]
fn a_wrong_section_is_refused_with_its_key() {
    let base = json!({
        "app_id": "wx5f2c9d7a1b3e8046", "app_secret": "s", "token": "t0ken", "mode": "plain",
        "nudge": {"template": "t", "fields": {"thing1": "{summary}"}},
    });
    let nested = |key: &str, value: Value| {
        let mut section = base.clone();
        match key.split_once('.') {
            Some((outer, inner)) => section[outer][inner] = value,
            None => section[key] = value,
        }
        section
    };
    for (key, value) in [
        ("app_id", json!("wx1")),
        ("app_secret", json!("")),
        ("token", json!("a b")),
        ("mode", json!("safe")),
        ("page", json!("/pages/a")),
        ("service_tool", json!("words")),
        ("nudge.template", json!("")),
        ("nudge.fields", json!({})),
        ("nudge.fields", json!({"words1": "x"})),
        ("nudge.most_per_hour", json!(0)),
        ("nudge.timezone", json!("Mars/Olympus")),
        ("nudge.lang", json!("fr")),
        ("api_base", json!("ftp://x")),
    ] {
        let config: Config = serde_json::from_value(nested(key, value)).unwrap();
        let fault = MiniApp::build(config, &bridge_core::testkit::tools())
            .map(drop)
            .unwrap_err();
        let expected = match key {
            "mode" => "encoding_aes_key",
            "service_tool" => "service_tool_words",
            other => other,
        };
        assert!(fault.key.starts_with(expected), "{key}: {}", fault.key);
        assert!(!fault.what_zh.is_empty() && !fault.example.is_empty());
    }
}
