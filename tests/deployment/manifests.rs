//! The manifests for Kubernetes and the file for compose fit together, and fit the configuration they run.

use std::collections::BTreeSet;

use crate::{read, root, yaml};

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

/// Whatever scrapes gives the job the name that alerts and dashboard look for.
#[test]
fn every_way_to_scrape_calls_the_job_alike() {
    for scrape in ["prometheus.yml", "kubernetes.yaml"] {
        let config = &yaml(format!("config/prometheus/{scrape}"))[0];
        let job = &config["scrape_configs"][0]["job_name"];
        assert_eq!(job.as_str(), Some("kefu-bridge"), "{scrape}");
    }
    // There the job is called as this label says.
    let monitor = &yaml("config/kubernetes/pod-monitor.yaml")[0]["spec"];
    let label = monitor["jobLabel"].as_str().unwrap();
    let pods = &yaml("config/kubernetes/deployment.yaml")[0]["spec"]["template"]["metadata"];
    assert_eq!(pods["labels"][label].as_str(), Some("kefu-bridge"));
    let chosen = &monitor["selector"]["matchLabels"];
    assert_eq!(chosen[label].as_str(), Some("kefu-bridge"));
}

/// Applied with the rest, unless it is no manifest, is filled in first, or wants what not everybody has.
#[test]
fn no_manifest_is_forgotten() {
    let kustomization = read("config/kustomization.yaml");
    for file in std::fs::read_dir(root().join("config/kubernetes")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let told = kustomization.contains(&format!("kubernetes/{name}"));
        assert!(told || name == "prometheus-adapter.yaml", "{name}");
    }
}
