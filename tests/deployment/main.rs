//! What is shipped to run the bridge by: accepted by the program it is for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod containers;
mod manifests;
mod metrics;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files below a folder whose names end so.
fn below(folder: &Path, ends: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            below(&path, ends, found);
        } else if path.to_string_lossy().ends_with(ends) {
            found.push(path);
        }
    }
}

fn yaml(path: impl AsRef<Path>) -> Vec<yaml_rust2::Yaml> {
    let path = path.as_ref();
    yaml_rust2::YamlLoader::load_from_str(&read(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn what_is_shipped_can_be_read() {
    let mut files = Vec::new();
    for end in [".yaml", ".yml"] {
        below(&root().join("config"), end, &mut files);
    }
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        assert!(!yaml(&file).is_empty(), "{}", file.display());
    }
}
