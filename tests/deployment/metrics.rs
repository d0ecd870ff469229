//! What is counted, described, drawn and alerted about is one and the same: names, labels and their values.

use std::collections::{BTreeMap, BTreeSet};

use crate::{below, read, root, yaml};

/// What is known of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Metric {
    /// counter, gauge or histogram.
    kind: String,
    labels: BTreeSet<String>,
}

/// All of the program's sources.
fn sources() -> Vec<String> {
    let parts = [
        "src",
        "bridge-core/src",
        "plugins/src",
        "media/src",
        "stores",
        "convertors",
    ];
    let mut files = Vec::new();
    for part in parts {
        below(&root().join(part), ".rs", &mut files);
    }
    let texts = files.iter().map(std::fs::read_to_string);
    texts.map(Result::unwrap).collect()
}

/// Up to the bracket that closes what is open at the beginning.
fn enclosed(text: &str) -> &str {
    let mut open = 1;
    let end = text.find(|letter| {
        match letter {
            '(' | '{' => open += 1,
            ')' | '}' => open -= 1,
            _ => {}
        }
        open == 0
    });
    &text[..end.unwrap_or(text.len())]
}

fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    words
        .into_iter()
        .map(|word| word.trim().to_owned())
        .collect()
}

/// What the program counts: what is given to the recording macros.
fn recorded() -> BTreeMap<String, Metric> {
    let mut found: BTreeMap<String, Metric> = BTreeMap::new();
    for text in sources() {
        for kind in ["counter", "gauge", "histogram"] {
            for call in text.split(&format!("{kind}!(")).skip(1) {
                let call = enclosed(call);
                if !call.trim_start().starts_with('"') {
                    continue;
                }
                let labelled = call.split("=>").collect::<Vec<_>>();
                let (_, named) = labelled.split_last().unwrap();
                let labels = named.iter().filter_map(|part| quoted(part).pop());
                let metric = found.entry(quoted(call)[0].to_owned()).or_insert(Metric {
                    kind: kind.to_owned(),
                    labels: BTreeSet::new(),
                });
                metric.labels.extend(set(labels));
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

/// `docs/metrics.md`: the metrics, and the row of each.
fn described() -> BTreeMap<String, (Metric, String)> {
    let text = read("docs/metrics.md");
    let rows = text.lines().filter_map(|row| {
        let mut cells = row.strip_prefix("| `")?.split('|').map(str::trim);
        let name = cells.next()?.trim_end_matches('`').to_owned();
        let kind = cells.next()?.to_owned();
        let labels = cells
            .next()?
            .split(',')
            .map(|label| label.trim_matches([' ', '`']));
        let labels = set(labels.filter(|label| !label.is_empty()));
        Some((name, (Metric { kind, labels }, row.to_owned())))
    });
    rows.collect()
}

#[test]
fn every_metric_is_described_and_every_description_is_of_one() {
    let described = described()
        .into_iter()
        .map(|(name, (metric, _))| (name, metric));
    let (described, recorded) = (described.collect::<BTreeMap<_, _>>(), recorded());
    let not_in = |one: &BTreeMap<String, Metric>, other: &BTreeMap<String, Metric>| {
        let mut missing = one.clone();
        missing.retain(|name, metric| other.get(name) != Some(metric));
        missing
    };
    let (new, gone) = (not_in(&recorded, &described), not_in(&described, &recorded));
    assert!(
        new.is_empty() && gone.is_empty(),
        "docs/metrics.md lacks {new:?} and has {gone:?}"
    );
}

/// A question to Prometheus, and a text that names labels of its answer.
struct Asked {
    expression: String,
    /// Of the answer's labels: `{{instance}}`, `{{ $labels.inbox }}`.
    told: String,
}

fn asked() -> Vec<Asked> {
    let dashboard =
        serde_json::from_str::<serde_json::Value>(&read("config/grafana/dashboard.json"));
    let (dashboard, mut asked) = (dashboard.unwrap(), Vec::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |key: &str| target[key].as_str().unwrap().to_owned();
            let (expression, told) = (text("expr"), text("legendFormat"));
            asked.push(Asked { expression, told });
        }
    }
    for rule in rules() {
        let notes = &rule["annotations"];
        let text = |key: &str| notes[key].as_str().unwrap().to_owned();
        asked.push(Asked {
            expression: rule["expr"].as_str().unwrap().to_owned(),
            told: format!("{} {}", text("summary"), text("description")),
        });
    }
    assert!(asked.len() > 40, "{}", asked.len());
    asked
}

fn rules() -> Vec<yaml_rust2::Yaml> {
    let alerts = &yaml("config/prometheus/alerts.yaml")[0];
    alerts["groups"][0]["rules"].as_vec().unwrap().clone()
}

/// `kefu_depth{job="…"}`: each name of ours in an expression, and what stands in its braces.
fn selectors(expression: &str) -> Vec<(&str, &str)> {
    let starts = expression.match_indices("kefu_");
    let found = starts.map(|(at, _)| {
        let rest = &expression[at..];
        let end = rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
        let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
        (name, rest.strip_prefix('{').map_or("", enclosed))
    });
    found.collect()
}

/// The labels that are left after `sum by (…)`; none where everything is added up.
fn grouped(expression: &str) -> BTreeSet<String> {
    let groups = expression.split("by (").skip(1);
    groups
        .flat_map(|rest| set(enclosed(rest).split(',')))
        .collect()
}

#[test]
fn dashboard_and_alerts_ask_for_metrics_that_there_are() {
    let (described, sources) = (described(), sources().concat());
    for Asked { expression, told } in asked() {
        let mut labels = set(["job", "instance"]);
        for (series, matchers) in selectors(&expression) {
            let ends = ["_bucket", "_sum", "_count"];
            let base = ends.iter().find_map(|end| series.strip_suffix(end));
            let (name, histogram) = base.map_or((series, false), |base| (base, true));
            let (metric, row) = described
                .get(name)
                .unwrap_or_else(|| panic!("{series}: {expression}"));
            assert_eq!(
                histogram,
                metric.kind == "histogram",
                "{series}: {expression}"
            );
            labels.extend(metric.labels.clone());
            if series.ends_with("_bucket") {
                labels.insert("le".to_owned());
            }
            assert!(matchers.contains("job=\""), "of which job? {expression}");
            for matcher in matchers.split("\",").map(str::trim) {
                let (label, value) = matcher.split_once('=').unwrap();
                let label = label.trim_end_matches('!');
                assert!(
                    metric.labels.contains(label) || label == "job",
                    "{label}: {expression}"
                );
                let values = value.trim_matches(['~', '"']).split('|');
                for value in values.filter(|_| label != "job") {
                    let there = row.contains(value) || sources.contains(&format!("\"{value}\""));
                    assert!(there, "{label} is never {value}: {expression}");
                }
            }
        }
        let (grouped, whole) = (grouped(&expression), !expression.contains('('));
        assert!(grouped.is_subset(&labels), "{grouped:?}: {expression}");
        for label in told.split("{{").skip(1) {
            let label = label.split("}}").next().unwrap().trim();
            let label = label.strip_prefix("$labels.").unwrap_or(label);
            let left = grouped.contains(label) || whole && labels.contains(label);
            let is_value = label.starts_with("$value");
            let of_up = expression.starts_with("up{") && label == "instance";
            assert!(left || is_value || of_up, "{label}: {expression}");
        }
    }
}

/// Whoever counts a failure for the first time has shown nought before: see the module that the names are looked for in.
#[test]
fn every_counter_whose_labels_are_known_begins_at_nought() {
    let begun = read("src/counters.rs");
    for (name, metric) in recorded() {
        let foreign = ["code", "rate", "lane", "result", "from", "why"];
        let known = !metric
            .labels
            .iter()
            .any(|label| foreign.contains(&label.as_str()));
        if metric.kind == "counter" && known {
            assert!(begun.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}

/// How many may wait is said where it is alerted about, and where it is described.
#[test]
fn the_limit_that_is_told_is_the_one_there_is() {
    let engine = read("bridge-core/src/engine/settings.rs");
    let limits = engine.split("waiting_limit: ").skip(1);
    let limits = limits.filter_map(|rest| Some(rest.split_once(',')?.0.replace('_', ",")));
    let limit = limits.last().unwrap();
    assert!(limit.len() > 3, "{limit}");
    for place in ["config/prometheus/alerts.yaml", "docs/operations.md"] {
        assert!(read(place).contains(&limit), "{place}: {limit}");
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let rules = rules();
    for manual in ["docs/operations.md", "docs/operations.zh-CN.md"] {
        let manual = read(manual);
        for rule in &rules {
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

/// Whoever looks for a line of the log finds the one that is written.
#[test]
fn the_lines_of_the_log_that_are_named_are_written() {
    let sources = sources().concat();
    for (manual, words) in [
        ("docs/operations.md", ["log `", "log at debug `"]),
        ("docs/operations.zh-CN.md", ["日志 `", "debug 日志 `"]),
    ] {
        let text = read(manual);
        let named: Vec<_> = words
            .iter()
            .flat_map(|word| text.split(word).skip(1))
            .collect();
        assert!(named.len() > 8, "{manual}");
        for rest in named {
            let line = rest.split('`').next().unwrap();
            assert!(sources.contains(line), "{manual}: {line}");
        }
    }
}
