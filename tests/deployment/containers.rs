//! The image and the file for compose fit together, and fit the balancer and Prometheus beside them.

use crate::{read, yaml};

/// Only what listens on every address is reached from outside a container, and only on the port that is exposed and asked.
#[test]
fn the_image_listens_where_it_is_asked() {
    let image = read("Dockerfile");
    let listen = image.split("KEFU__SERVER__LISTEN=0.0.0.0:").nth(1).unwrap();
    let port = listen.lines().next().unwrap();
    assert!(image.contains(&format!("EXPOSE {port}\n")));
    assert!(image.contains(&format!("/dev/tcp/127.0.0.1/{port} ")));
    // The user by number: Kubernetes cannot see that a name is not root's.
    assert!(image.contains("USER 10001:10001") && image.contains("--uid 10001 --gid 10001"));
}

#[test]
fn every_node_is_behind_the_balancer_and_watched() {
    let compose = &yaml("config/compose.yaml")[0]["services"];
    let (balancer, watched) = (
        read("config/haproxy.cfg"),
        read("config/prometheus/prometheus.yml"),
    );
    let services = compose.as_hash().unwrap().keys();
    let services = services.map(|name| name.as_str().unwrap());
    let nodes: Vec<_> = services
        .filter(|name| name.starts_with("bridge-"))
        .collect();
    assert!(nodes.len() > 1);
    for node in &nodes {
        assert!(
            balancer.contains(&format!("server {node} {node}:8080")),
            "{node}"
        );
        assert!(watched.contains(&format!("{node}:8080")), "{node}");
    }
    let behind = balancer.matches("    server bridge-").count();
    assert_eq!(
        (behind, watched.matches(":8080").count()),
        (nodes.len(), nodes.len())
    );
    // Docker has its names at an address of its own, Podman at another: neither is written down.
    assert!(balancer.contains("parse-resolv-conf") && !balancer.contains("127.0.0.11:53"));
}

/// A container is killed when its grace is over, whatever it still holds.
#[test]
fn a_node_is_given_longer_than_it_drains() {
    let (compose, cluster) = (read("config/compose.yaml"), read("config/cluster.toml"));
    let seconds = |text: &str, before: &str| -> u64 {
        let rest = text.split(before).nth(1).unwrap();
        rest.split('s').next().unwrap().parse().unwrap()
    };
    let drain = seconds(&cluster, "drain_timeout = \"");
    assert!(seconds(&compose, "\n  stop_grace_period: ") >= drain + 10);
}
