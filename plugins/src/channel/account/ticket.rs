//! Tickets by which pages are signed (WeCom: 5.6): kept as access tokens are, for all nodes, and fetched by one of them at a
//! time. They may be asked for 100 times an hour only.

use std::time::Duration;

use bridge_core::{
    channel::{ChannelError, ChannelErrorKind},
    error::Remedy,
};

use super::Api;

/// A ticket is renewed this long before it ends: pages that were signed with it work on.
const EARLY: Duration = Duration::from_secs(300);
/// How long one node's fetch keeps the others waiting, and how often those look whether it is there.
const FETCH: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(100);

impl Api {
    /// The ticket that this call tells, which other calls' are no substitute for (42012).
    pub(in super::super) async fn ticket(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<String, ChannelError> {
        let kind = query.first().map_or("", |(_, value)| value);
        let key = format!("ticket:{}:{path}:{kind}", self.tokens.name());
        if let Ok(Some(ticket)) = self.cache.get(&key).await {
            return Ok(ticket);
        }
        let (lock, owner) = (format!("fetch:{key}"), self.tokens.owner());
        let began = self.clock.now();
        // A cache out of reach means that each node fetches for itself.
        while !self.cache.hold(&lock, owner, FETCH).await.unwrap_or(true) {
            self.clock.sleep(LOOK).await;
            if let Ok(Some(ticket)) = self.cache.get(&key).await {
                return Ok(ticket);
            }
            if self.clock.now().since(began) >= FETCH {
                break;
            }
        }
        // It may have come between the last look and the lock.
        let ticket = match self.cache.get(&key).await {
            Ok(Some(ticket)) => Ok(ticket),
            _ => self.fetch_ticket(path, query, &key).await,
        };
        let _ = self.cache.release(&lock, owner).await;
        ticket
    }

    async fn fetch_ticket(
        &self,
        path: &str,
        query: &[(&str, &str)],
        key: &str,
    ) -> Result<String, ChannelError> {
        let answer = self.get(path, query).await?;
        let ticket = answer["ticket"].as_str().unwrap_or_default().to_owned();
        if ticket.is_empty() {
            let detail = "the ticket's answer has none";
            let remedy = Remedy::retry_secs(5);
            return Err(ChannelError::new(ChannelErrorKind::Refused, remedy, detail));
        }
        let life = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or(7200));
        let left = life.saturating_sub(EARLY);
        if !left.is_zero()
            && let Err(error) = self.cache.put(key, &ticket, left).await
        {
            tracing::warn!(%error, "a ticket is not shared");
        }
        Ok(ticket)
    }
}
