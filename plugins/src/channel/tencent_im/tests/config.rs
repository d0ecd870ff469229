use bridge_core::plugin::{BuildError, read_config};
use serde_json::{Value, json};

use super::super::Config;
use super::kit::section;
use super::peer::SECRET;

fn validated(more: Value) -> Result<Config, BuildError> {
    let config: Config = read_config(section("https://console.tim.qq.com", more))?;
    config.validate().map(|()| config)
}

#[test]
fn the_contracts_section_is_enough() {
    let config: Config =
        read_config(json!({"sdk_app_id": 1_400_000_000, "secret_key": SECRET})).unwrap();
    config.validate().unwrap();
    assert_eq!(config.admin, "administrator");
    assert_eq!(config.api_base, "https://console.tim.qq.com");
    assert!(config.callback_token.is_empty());
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn faults_name_their_key() {
    for (more, key) in [
        (json!({"sdk_app_id": 0}), "sdk_app_id"),
        (json!({"sdk_app_id": "x"}), "sdk_app_id"),
        (json!({"secret_key": ""}), "secret_key"),
        (
            json!({"secret_key": "-----BEGIN PRIVATE KEY-----"}),
            "secret_key",
        ),
        (json!({"secret_key": format!("{SECRET}\n")}), "secret_key"),
        (json!({"admin": ""}), "admin"),
        (json!({"admin": "a".repeat(33)}), "admin"),
        (json!({"api_base": "console.tim.qq.com"}), "api_base"),
        (json!({"api_base": "ftp://console.tim.qq.com"}), "api_base"),
        (
            json!({"api_base": "https://console.tim.qq.com/v4/"}),
            "api_base",
        ),
        (
            json!({"api_base": "https://a:b@console.tim.qq.com"}),
            "api_base",
        ),
        (
            json!({"api_base": "https://console.tim.qq.com?x=1"}),
            "api_base",
        ),
        (json!({"timeout": "0s"}), "timeout"),
        (json!({"timeout": "soon"}), "timeout"),
        (json!({"callback_window": "0s"}), "callback_window"),
        (json!({"usersig_lifetime": "1s"}), "usersig_lifetime"),
        (json!({"history_threads": 0}), "history_threads"),
        (json!({"api_rate": 1_000_000}), "api_rate"),
        (json!({"api_rate": -1}), "api_rate"),
    ] {
        let error = validated(more.clone()).unwrap_err();
        assert_eq!(error.key, key, "{more}: {error}");
        assert!(!error.to_string().contains(SECRET));
    }
    let unknown = validated(json!({"sdkappid": 1})).unwrap_err();
    assert!(
        unknown.what.contains("unknown field `sdkappid`"),
        "{unknown}"
    );
}

#[test]
fn bases_with_a_slash_or_a_path_of_a_proxy_are_fine() {
    for base in [
        "https://adminapisgp.im.qcloud.com/",
        "http://127.0.0.1:8089",
        "https://proxy.example.test/tim",
    ] {
        validated(json!({"api_base": base})).unwrap();
    }
}
