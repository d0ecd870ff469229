//! Which agents are there: what their platforms say when they come and go, what they answer when they are asked, and what the
//! cache tells the other nodes of it. The platform's answer counts for more than what was kept: words on who comes and goes
//! may be lost, and a cache may have been away when one was said.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;

use super::{Engine, contained};
use crate::{
    broker::Notice,
    channel::Presence,
    message::{AgentName, InboxName, PeerId},
};

/// How long a platform may think about who is there; those who wait for a seat wait for it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a word on an agent's presence holds.
const PRESENCE_TTL: Duration = Duration::from_secs(7 * 86_400);

/// The cache's key for an agent's presence.
fn key(agent: &AgentName) -> String {
    format!("presence:{agent}")
}

impl Engine {
    /// What earlier lives and other nodes knew, except where this one knows better and could not tell.
    pub(super) async fn recall_presence(&self) {
        let untold = std::mem::take(&mut *self.desk.untold());
        join_all(
            untold
                .iter()
                .map(async |(agent, online)| self.tell_presence(agent, *online).await),
        )
        .await;
        let others = self.parts.agents.keys();
        let others = others.filter(|agent| !untold.contains_key(*agent));
        let (others, keys): (Vec<&AgentName>, Vec<String>) =
            others.map(|agent| (agent, key(agent))).unzip();
        // All at once: there may be hundreds, and seats wait for it.
        let Ok(words) = self.parts.cache.get_all(&keys).await else {
            return;
        };
        for (agent, word) in others.into_iter().zip(words) {
            if let Some(word) = word {
                self.desk.presence(agent, word != "offline");
            }
        }
    }

    /// An agent came or went: remembered, and seats are offered anew.
    pub(super) async fn set_presence(&self, agent: &AgentName, online: bool) {
        self.desk.presence(agent, online);
        self.tell_presence(agent, online).await;
        self.notify(Notice::Desk);
    }

    async fn tell_presence(&self, agent: &AgentName, online: bool) {
        let word = if online { "online" } else { "offline" };
        let told = self.parts.cache.put(&key(agent), word, PRESENCE_TTL).await;
        let mut untold = self.desk.untold();
        match told {
            Ok(()) => drop(untold.remove(agent)),
            Err(error) => {
                tracing::debug!(%error, "presence is known to this node only");
                untold.insert(agent.clone(), online);
            }
        }
    }

    /// Asks the platforms that tell, all at once: a slow one delays no other.
    pub(super) async fn ask_presence(&self) {
        let channels = self.parts.channels.iter();
        let tell = channels
            .filter_map(|(inbox, channel)| Some(self.ask_presence_at(inbox, channel.presence()?)));
        let all = join_all(tell.collect::<Vec<_>>());
        self.stop.run_until_cancelled(all).await;
    }

    async fn ask_presence_at(&self, inbox: &InboxName, presence: &dyn Presence) {
        let agents = self.parts.agents.values();
        let theirs = agents.filter(|agent| agent.inbox == *inbox);
        let agents: BTreeMap<&PeerId, &AgentName> =
            theirs.map(|agent| (&agent.account, &agent.name)).collect();
        if agents.is_empty() {
            return;
        }
        let accounts: Vec<PeerId> = agents.keys().copied().cloned().collect();
        match contained(presence.online(&accounts), PATIENCE).await {
            Ok(Ok(known)) => {
                for (account, online) in known {
                    let agent = agents.get(&account);
                    // What was kept said otherwise, and would again.
                    if let Some(agent) = agent.filter(|agent| self.desk.presence(agent, online)) {
                        self.tell_presence(agent, online).await;
                    }
                }
            }
            Ok(Err(error)) => tracing::debug!(%inbox, %error, "cannot ask for presence"),
            Err(mishap) => tracing::warn!(%inbox, %mishap, "cannot ask for presence"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    };

    use async_trait::async_trait;

    use super::*;
    use crate::{
        channel::{Capabilities, Channel, ChannelError, Decoded, Delivery, Dispatch, Receipt},
        clock::TestClock,
        engine::{EngineParts, context::tests::bench},
        testkit::{self, FickleCache, Mood},
    };

    /// A platform where everybody is there, or nobody.
    #[derive(Default)]
    struct Desk {
        capabilities: Capabilities,
        online: AtomicBool,
    }

    #[async_trait]
    impl Channel for Desk {
        fn decode(&self, _: &Delivery) -> Result<Decoded, ChannelError> {
            unreachable!("nobody calls")
        }
        fn capabilities(&self) -> &Capabilities {
            &self.capabilities
        }
        async fn send(&self, _: &Dispatch) -> Result<Receipt, ChannelError> {
            unreachable!("nobody writes")
        }
        fn presence(&self) -> Option<&dyn Presence> {
            Some(self)
        }
    }

    #[async_trait]
    impl Presence for Desk {
        async fn online(&self, accounts: &[PeerId]) -> Result<Vec<(PeerId, bool)>, ChannelError> {
            let online = self.online.load(Relaxed);
            Ok(accounts
                .iter()
                .map(|account| (account.clone(), online))
                .collect())
        }
    }

    struct Cluster {
        cache: Arc<FickleCache>,
        platform: Arc<Desk>,
        nodes: [Arc<Engine>; 2],
    }

    impl Cluster {
        fn new() -> Self {
            let clock = Arc::new(TestClock::new(testkit::NOW));
            let cache = FickleCache::new(clock.clone());
            let platform = Arc::new(Desk::default());
            let channel: Arc<dyn Channel> = platform.clone();
            let node = || {
                Engine::new(EngineParts {
                    agents: testkit::desk().agents.as_ref().clone(),
                    channels: Arc::new(BTreeMap::from([("desk".into(), channel.clone())])),
                    ..bench::parts(clock.clone(), cache.clone())
                })
            };
            Self {
                nodes: [node(), node()],
                platform,
                cache,
            }
        }

        /// Whom each node takes to be there, after it has looked at what the others know.
        async fn there(&self) -> [Vec<String>; 2] {
            let [one, other] = &self.nodes;
            let mut there = [Vec::new(), Vec::new()];
            // Both tell what they could not; then both look.
            for node in [one, other, one] {
                node.recall_presence().await;
            }
            for (node, there) in self.nodes.iter().zip(&mut there) {
                let desk = node.desk.current(&node.parts).await.unwrap();
                let agents = desk
                    .agents
                    .keys()
                    .filter(|agent| !desk.offline.contains(*agent));
                there.extend(agents.map(ToString::to_string));
            }
            there
        }
    }

    fn agent(name: &str) -> AgentName {
        AgentName::new(name)
    }

    /// What the cache had from before would otherwise be believed when it is back.
    #[tokio::test]
    async fn what_was_said_while_the_cache_was_away_is_told_when_it_is_back() {
        let cluster = Cluster::new();
        let [one, other] = &cluster.nodes;
        one.set_presence(&agent("system"), true).await;
        other.set_presence(&agent("lin"), false).await;
        cluster.cache.is(Mood::Refused);
        one.set_presence(&agent("system"), false).await;
        other.set_presence(&agent("lin"), true).await;
        one.recall_presence().await;
        cluster.cache.is(Mood::Fair);
        assert_eq!(cluster.there().await, [["lin"], ["lin"]]);
    }

    /// A platform's word that somebody left is lost; it is asked, and what was kept before does not win.
    #[tokio::test]
    async fn the_platform_knows_better_than_what_was_kept() {
        let cluster = Cluster::new();
        let [one, other] = &cluster.nodes;
        for name in ["system", "lin"] {
            other.set_presence(&agent(name), true).await;
        }
        one.recall_presence().await;
        one.ask_presence().await;
        assert_eq!(cluster.there().await, [[""; 0], [""; 0]]);
        cluster.platform.online.store(true, Relaxed);
        other.ask_presence().await;
        assert_eq!(cluster.there().await, [["lin", "system"]; 2]);
    }
}
