//! Tickets by which pages are signed (WeCom: 5.6): kept as access tokens are, in common, and fetched by one node at a time.
//! They may be asked for 100 times an hour only.

use std::time::Duration;

use bridge_core::{
    channel::{ChannelError, ChannelErrorKind},
    error::Remedy,
};

use super::{Api, common::Fetched};

impl Api {
    /// The ticket that this call tells, which other calls' are no substitute for (42012).
    pub(in super::super) async fn ticket(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<String, ChannelError> {
        let kind = query.first().map_or("", |(_, value)| value);
        let key = format!("ticket:{}:{path}:{kind}", self.tokens.name());
        let fetch = async || self.fetch_ticket(path, query).await;
        self.tickets.get(&key, fetch).await
    }

    async fn fetch_ticket(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Fetched, ChannelError> {
        let answer = self.get(path, query).await?;
        let ticket = answer["ticket"].as_str().unwrap_or_default().to_owned();
        if ticket.is_empty() {
            let detail = "the ticket's answer has none";
            let remedy = Remedy::retry_secs(5);
            return Err(ChannelError::new(ChannelErrorKind::Refused, remedy, detail));
        }
        let life = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or(7200));
        Ok((ticket, life))
    }
}
