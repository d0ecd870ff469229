//! Agents come and go, on several devices each.

use std::time::Duration;

use super::Clerk;
use crate::{
    engine::contained,
    message::{AgentName, Content, Event, What},
};

/// How long the platform may think about where somebody is; a turn waits for it.
const PATIENCE: Duration = Duration::from_secs(3);

impl Clerk<'_> {
    /// Somebody came or went.
    pub(super) async fn presence(&mut self, agent: &AgentName, online: bool) {
        let online = online || (self.platform_says() && self.is_elsewhere(agent).await);
        self.engine.set_presence(agent, online).await;
    }

    /// Whether it is the platform that says so: of what the bridge itself concludes nobody is asked again.
    fn platform_says(&self) -> bool {
        matches!(
            self.arrival.what,
            What::Content(Content::Event(Event::Presence { .. }))
        )
    }

    /// A platform tells when one device goes, not whether it was the last: it is asked, where it can be. Where it does
    /// not answer, its first word counts.
    async fn is_elsewhere(&self, agent: &AgentName) -> bool {
        let Some(agent) = self.desk.agents.get(agent) else {
            return false;
        };
        let Some(channel) = self.engine.parts.channels.get(&agent.inbox) else {
            return false;
        };
        let Some(presence) = channel.presence() else {
            return false;
        };
        let account = std::slice::from_ref(&agent.account);
        match contained(presence.online(account), PATIENCE).await {
            Ok(Ok(known)) => known
                .iter()
                .any(|(who, online)| *who == agent.account && *online),
            Ok(Err(error)) => {
                tracing::debug!(%error, agent = %agent.name, "cannot ask who is there");
                false
            }
            Err(_) => false,
        }
    }
}
