//! What is shipped to run the bridge by: accepted by the program it is for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{path::Path, process::Command};

/// The environment and the secrets that `config/cluster.toml` names.
fn check(config: &str, secrets: &Path) -> std::process::Output {
    let words = [
        "mall_app_secret",
        "mall_token",
        "desk_secret_key",
        "desk_callback_token",
        "ai_api_key",
    ];
    for name in words {
        std::fs::write(secrets.join(name), "word").unwrap();
    }
    let key = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Mk\n";
    std::fs::write(secrets.join("mall_encoding_aes_key"), key).unwrap();
    Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
        .args(["check", "--offline", "-c"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(config))
        .env("KEFU_SECRETS", secrets)
        .env("KEFU_PUBLIC_URL", "https://kefu.example.com")
        .env(
            "KEFU_POSTGRES",
            "postgres://kefu:word@db:5432/kefu?sslmode=require",
        )
        .env("KEFU_REDIS", "rediss://:word@cache:6379/0")
        .env("KEFU_RABBITMQ", "amqps://kefu:word@queue:5671/%2f")
        .output()
        .unwrap()
}

#[test]
fn the_shipped_configurations_are_in_order() {
    let secrets = tempfile::tempdir().unwrap();
    for config in ["config/cluster.toml", "config/example.toml"] {
        let output = check(config, secrets.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{config}: {said}");
    }
}
