//! Group robots: notices to a group, by a key instead of a token (WeCom: 4.4).

use std::time::Duration;

use async_trait::async_trait;
use bridge_convertors::wecom::app::robot;
use bridge_core::{
    cache::Pace,
    channel::{ChannelError, ChannelErrorKind, GroupNotice, Notify},
    error::Remedy,
};
use sha2::{Digest, Sha256};

use super::{Wecom, send};

/// Twenty a minute (WeCom: 4.4): ten at once, and ten more within the minute.
const EVERY: Duration = Duration::from_secs(6);
const BURST: u32 = 10;
/// How long a notice waits for its turn; whoever gave it waits, too.
const PATIENCE: Duration = Duration::from_secs(5);

#[async_trait]
impl Notify for Wecom {
    fn groups(&self) -> Vec<&str> {
        self.config.robots.keys().map(String::as_str).collect()
    }

    async fn notify(&self, group: &str, notice: &GroupNotice) -> Result<(), ChannelError> {
        let Some(key) = self.config.robots.get(group) else {
            let detail = format!("no robot is called {group}");
            return Err(ChannelError::new(
                ChannelErrorKind::Configuration,
                Remedy::Never,
                detail,
            ));
        };
        let pace = Pace {
            every: EVERY,
            ahead: EVERY * (BURST - 1),
            patience: PATIENCE,
        };
        // The key is the robot's secret: it names nothing in a cache.
        let digest = Sha256::digest(key.expose());
        let name = u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default());
        send::turn(self, &format!("wecom-robot:{name:016x}"), &pace).await?;
        let path = format!("/cgi-bin/webhook/send?key={}", key.expose());
        let told = self.api.post_open(&path, &robot::body(notice)).await;
        told.map(drop)
    }
}
