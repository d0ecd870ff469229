//! What is shipped to run the bridge by: accepted by the program it is for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
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

/// Words that begin so, in the order of the alphabet.
fn words(text: &str, begin: &str) -> BTreeSet<String> {
    let is_word = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    text.split(|letter| !is_word(letter))
        .filter(|word| word.starts_with(begin))
        .map(str::to_owned)
        .collect()
}

/// What the program counts: the names given to the recording macros, by kind.
fn recorded() -> BTreeMap<String, &'static str> {
    let mut sources = Vec::new();
    for part in [
        "src",
        "bridge-core/src",
        "plugins/src",
        "media/src",
        "stores",
    ] {
        below(&root().join(part), ".rs", &mut sources);
    }
    let mut found = BTreeMap::new();
    for source in sources {
        let text = std::fs::read_to_string(source).unwrap();
        for kind in ["counter", "gauge", "histogram"] {
            for call in text.split(&format!("{kind}!(")).skip(1) {
                let name = call.trim_start().strip_prefix('"');
                let name = name.and_then(|name| name.split('"').next());
                found.extend(name.map(|name| (name.to_owned(), kind)));
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

#[test]
fn every_metric_is_described_and_every_description_is_of_one() {
    let described: BTreeMap<String, String> = read("docs/metrics.md")
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let name = cells.next()?.trim_end_matches('`').to_owned();
            Some((name, cells.next()?.to_owned()))
        })
        .collect();
    let recorded: BTreeMap<String, String> = recorded()
        .into_iter()
        .map(|(name, kind)| (name, kind.to_owned()))
        .collect();
    let not_in = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let mut missing = one.clone();
        missing.retain(|name, kind| other.get(name) != Some(kind));
        missing
    };
    let (new, gone) = (not_in(&recorded, &described), not_in(&described, &recorded));
    assert!(
        new.is_empty() && gone.is_empty(),
        "docs/metrics.md lacks {new:?} and has {gone:?}"
    );
}

/// Names that Prometheus knows for a metric.
fn series(recorded: &BTreeMap<String, &'static str>) -> BTreeSet<String> {
    let mut series = BTreeSet::new();
    for (name, kind) in recorded {
        match *kind {
            "histogram" => {
                series.extend(["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")));
            }
            _ => drop(series.insert(name.clone())),
        }
    }
    series
}

#[test]
fn dashboard_and_alerts_ask_for_metrics_that_there_are() {
    let series = series(&recorded());
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("config/grafana/dashboard.json")).unwrap();
    let mut asked = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            asked.push(target["expr"].as_str().unwrap().to_owned());
        }
    }
    let alerts = &yaml("config/prometheus/alerts.yaml")[0];
    let rules = alerts["groups"][0]["rules"].as_vec().unwrap();
    asked.extend(
        rules
            .iter()
            .map(|rule| rule["expr"].as_str().unwrap().to_owned()),
    );
    assert!(asked.len() > 40, "{}", asked.len());
    for expression in &asked {
        for name in words(expression, "kefu_") {
            assert!(series.contains(&name), "{name}: {expression}");
        }
    }
    // And a depth that there is.
    let depths = read("bridge-core/src/engine/housekeeping.rs");
    for expression in &asked {
        for of in expression.split("of=").skip(1) {
            let of = of.trim_start_matches(['~', '"']).split('"').next().unwrap();
            for of in of.split('|') {
                assert!(
                    depths.contains(&format!("(\"{of}\", ")),
                    "{of}: {expression}"
                );
            }
        }
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let alerts = &yaml("config/prometheus/alerts.yaml")[0];
    let rules = alerts["groups"][0]["rules"].as_vec().unwrap();
    for manual in ["docs/operations.md", "docs/operations.zh-CN.md"] {
        let manual = read(manual);
        for rule in rules {
            let name = rule["alert"].as_str().unwrap();
            assert!(manual.contains(&format!("`{name}`")), "{name}");
            assert!(rule["annotations"]["description"].as_str().is_some());
            let severity = rule["labels"]["severity"].as_str().unwrap();
            assert!(["page", "ticket"].contains(&severity), "{severity}");
        }
        for name in words_of_alerts(&manual) {
            let there = rules
                .iter()
                .any(|rule| rule["alert"].as_str() == Some(&name));
            assert!(there, "{name} is no alert");
        }
    }
}

fn words_of_alerts(manual: &str) -> BTreeSet<String> {
    let spans = manual.split('`').skip(1).step_by(2);
    spans
        .filter(|span| span.starts_with("Kefu") && span.chars().all(char::is_alphanumeric))
        .map(str::to_owned)
        .collect()
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

/// What a manifest names is there: files, secrets, the metric that it scales by.
#[test]
fn manifests_fit_together() {
    let kustomization = &yaml("config/kustomization.yaml")[0];
    for resource in kustomization["resources"].as_vec().unwrap() {
        assert!(
            root()
                .join("config")
                .join(resource.as_str().unwrap())
                .is_file()
        );
    }
    let cluster = read("config/cluster.toml");
    let secrets = &yaml("config/kubernetes/secret.example.yaml");
    let keys = |of: usize| -> BTreeSet<String> {
        let keys = secrets[of]["stringData"].as_hash().unwrap().keys();
        keys.map(|key| key.as_str().unwrap().to_owned()).collect()
    };
    for key in keys(1) {
        assert!(
            cluster.contains(&format!("/{key}\"")),
            "{key} is read by nobody"
        );
    }
    let compose = &yaml("config/compose.yaml")[0];
    let composed = compose["secrets"].as_hash().unwrap().keys();
    let composed: BTreeSet<String> = composed
        .map(|key| key.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(composed, keys(1));
    for file in ["deployment", "migrate-job"] {
        let manifest = &yaml(format!("config/kubernetes/{file}.yaml"))[0];
        let container = &manifest["spec"]["template"]["spec"]["containers"][0];
        let env = container["env"].as_vec().unwrap();
        let named = env
            .iter()
            .map(|one| one["valueFrom"]["secretKeyRef"]["key"].as_str());
        let named: BTreeSet<String> = named.map(|key| key.unwrap().to_owned()).collect();
        assert_eq!(named, keys(0), "{file}");
        for one in env {
            let name = one["name"].as_str().unwrap();
            assert!(cluster.contains(&format!("${{{name}}}")), "{name}");
        }
    }
    let deployment = &yaml("config/kubernetes/deployment.yaml")[0];
    let pod = &deployment["spec"]["template"]["spec"];
    let grace = pod["terminationGracePeriodSeconds"].as_i64().unwrap();
    assert!(cluster.contains("drain_timeout = \"30s\"") && grace >= 30 + 8 + 10);
    let scaled = read("config/kubernetes/autoscaler.yaml");
    let adapter = read("config/kubernetes/prometheus-adapter.yaml");
    let metric = "kefu_waiting_arrivals";
    assert!(scaled.contains(metric) && adapter.contains(metric));
}
