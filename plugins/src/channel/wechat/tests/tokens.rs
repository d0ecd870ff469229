//! One token for all nodes, whatever becomes of the cache and of whoever fetches it.

use std::{sync::Arc, time::Duration};

use bridge_core::{
    cache::Cache,
    channel::Channel,
    clock::TestClock,
    message::Content,
    plugin::{Plugin, Tools},
    testkit::{FickleCache, Mood},
};
use bridge_sandbox::wechat::Phone;
use serde_json::json;
use tokio::net::TcpListener;

use super::{Config, Stage, WeChat, config, dispatch};

const TOKEN: &str = "/cgi-bin/stable_token";

/// Nodes that share a cache.
struct Cluster {
    stage: Stage,
    cache: Arc<FickleCache>,
    phone: Phone,
    nodes: Vec<Arc<WeChat>>,
}

impl Cluster {
    async fn of(nodes: usize) -> Self {
        let stage = Stage::new();
        let cache = FickleCache::new(stage.clock.clone());
        let base = stage.sandbox.wechat_base();
        let node = || node(&base, cache.clone(), &stage.clock);
        Self {
            nodes: (0..nodes).map(|_| node()).collect(),
            phone: stage.phone().await,
            cache,
            stage,
        }
    }

    /// Each node sends so many, all at once.
    async fn all_say(&self, each: usize) {
        let said = (0..each * self.nodes.len()).map(|number| {
            let node = self.nodes[number % self.nodes.len()].clone();
            let words = dispatch(&self.phone, Content::text(number.to_string()));
            tokio::spawn(async move { node.send(&words).await })
        });
        for said in said.collect::<Vec<_>>() {
            // Who waits for another's fetch looks by the clock.
            while !said.is_finished() {
                self.stage.clock.advance(Duration::from_millis(10));
                tokio::task::yield_now().await;
            }
            // The platform lets only so many through before the customer writes again, and says so to a good token.
            if let Err(error) = said.await.unwrap() {
                assert_eq!(error.code, Some(45047), "{error:?}");
            }
        }
    }

    fn fetched(&self) -> usize {
        self.stage.asked(TOKEN)
    }
}

fn node(base: &str, cache: Arc<dyn Cache>, clock: &Arc<TestClock>) -> Arc<WeChat> {
    let mut config = config();
    config["api_base"] = json!(base);
    let config: Config = serde_json::from_value(config).unwrap();
    let tools = Tools {
        name: Arc::from("mall"),
        cache,
        clock: clock.clone(),
        ..bridge_core::testkit::tools()
    };
    Arc::new(WeChat::build(config, &tools).unwrap())
}

/// A platform that takes calls and never answers.
async fn silence() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

#[tokio::test]
async fn a_token_is_fetched_once_whatever_the_number_of_nodes() {
    let cluster = Cluster::of(3).await;
    cluster.all_say(5).await;
    assert_eq!(cluster.fetched(), 1);
    cluster.stage.clock.advance(Duration::from_secs(7000));
    cluster.all_say(5).await;
    assert_eq!(cluster.fetched(), 2, "once for each life");
}

#[tokio::test]
async fn a_token_that_all_nodes_are_refused_at_once_is_replaced_once() {
    let cluster = Cluster::of(3).await;
    cluster.all_say(1).await;
    cluster.stage.sandbox.wechat().displace_tokens();
    cluster.all_say(3).await;
    assert_eq!(cluster.fetched(), 2);
}

/// The token is what it was: a cache that went away took nothing from anybody.
#[tokio::test]
async fn a_cache_that_goes_away_costs_no_token() {
    let cluster = Cluster::of(3).await;
    cluster.all_say(1).await;
    cluster.cache.is(Mood::Refused);
    cluster.all_say(5).await;
    assert_eq!(cluster.fetched(), 1);
    cluster.stage.clock.advance(Duration::from_secs(7200));
    cluster.all_say(5).await;
    assert!(
        cluster.fetched() <= 4,
        "one for each node: {}",
        cluster.fetched()
    );
}

/// It answers that there is none, and takes none: asking the platform at every call would use up the day in minutes.
#[tokio::test]
async fn a_cache_that_takes_nothing_costs_one_token_for_each_node() {
    let cluster = Cluster::of(3).await;
    cluster.cache.is(Mood::Full);
    cluster.all_say(20).await;
    assert!(cluster.fetched() <= 3, "{}", cluster.fetched());
    // Refused by the platform, it is replaced all the same.
    cluster.stage.sandbox.wechat().displace_tokens();
    cluster.all_say(1).await;
    assert!(cluster.fetched() <= 6, "{}", cluster.fetched());
}

#[tokio::test]
async fn who_dies_fetching_holds_nobody_up_for_longer_than_five_seconds() {
    let cluster = Cluster::of(1).await;
    let (_silent, base) = silence().await;
    let clock = &cluster.stage.clock;
    let dying = node(&base, cluster.cache.clone(), clock);
    let words = dispatch(&cluster.phone, Content::text("在吗"));
    let fetches = tokio::spawn(async move { dying.send(&words).await });
    let lock = format!(
        "fetch:token:wechat:{}",
        config()["app_id"].as_str().unwrap()
    );
    while cluster.cache.get(&lock).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    fetches.abort();
    clock.advance(Duration::from_secs(5));
    assert_eq!(cluster.cache.get(&lock).await.unwrap(), None);
    cluster.all_say(1).await;
    assert_eq!(cluster.fetched(), 1);
}
