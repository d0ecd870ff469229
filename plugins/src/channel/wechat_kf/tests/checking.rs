//! What is wrong with a section or an account is found before anybody writes.

use bridge_core::channel::Channel;
use serde_json::json;

use super::super::config::Config;
use super::{channel, stage};

#[tokio::test]
async fn the_check_finds_what_is_wrong() {
    let (sandbox, kf) = stage(|_| {});
    let findings = kf.check().unwrap().check().await;
    assert!(findings.iter().all(|one| one.ok), "{findings:?}");
    assert!(
        findings
            .iter()
            .any(|one| one.what.zh.contains("时钟与平台一致"))
    );
    assert!(
        findings
            .iter()
            .any(|one| one.what.zh.contains("staff.wu（接待中）"))
    );
    let wrong = channel(&sandbox, |config| {
        config["secret"] = json!("not-the-secret")
    });
    let findings = wrong.check().unwrap().check().await;
    assert!(
        findings.iter().any(|one| !one.ok && one.key == "secret"),
        "{findings:?}"
    );
    let served = channel(&sandbox, |config| config["mode"] = json!("servicers"));
    for id in ["staff.li", "staff.wu"] {
        sandbox.kf().servicer(id).unwrap().serves(false);
    }
    let findings = served.check().unwrap().check().await;
    let nobody = findings.iter().find(|one| one.key == "mode").unwrap();
    assert!(
        !nobody.ok && nobody.mend.zh.contains("接待人员"),
        "{nobody:?}"
    );
    sandbox.order("kf.sync=95012x1").unwrap();
    let findings = kf.check().unwrap().check().await;
    assert!(
        findings
            .iter()
            .any(|one| !one.ok && one.mend.zh.contains("通过API管理")),
        "{findings:?}"
    );
    let other = channel(&sandbox, |config| config["accounts"] = json!(["wkOther"]));
    let findings = other.check().unwrap().check().await;
    assert!(findings.iter().any(|one| !one.ok
        && one.what.zh.contains("wkSandbox0001")
        && one.mend.zh.contains("API")));
}

#[test]
fn a_wrong_section_is_refused_with_its_key() {
    let base = json!({
        "corp_id": "ww1234567890", "secret": "s", "token": "t0ken",
        "encoding_aes_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "accounts": ["wk1"],
    });
    for (key, value) in [
        ("corp_id", json!("")),
        ("secret", json!("")),
        ("token", json!("has space")),
        ("encoding_aes_key", json!("short")),
        ("accounts", json!([])),
        ("text_bytes", json!(9000)),
        ("api_base", json!("ftp://x")),
        ("pull_every", json!("0s")),
    ] {
        let mut section = base.clone();
        section[key] = value;
        let config: Config = serde_json::from_value(section).unwrap();
        let fault = config.validate().map(drop).unwrap_err();
        assert_eq!(fault.key, key);
        assert!(!fault.what_zh.is_empty());
    }
}
