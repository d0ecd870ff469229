//! Who is there, asked rather than told: callbacks about it come late and can be lost. (Tencent IM, 4 and 9.4.)

use async_trait::async_trait;
use bridge_convertors::tencent_im::rest::{MAX_STATUS_ACCOUNTS, QueryOnlineStatus};
use bridge_core::channel::{ChannelError, Presence};
use bridge_core::message::PeerId;

use super::TencentIm;

#[async_trait]
impl Presence for TencentIm {
    async fn online(&self, accounts: &[PeerId]) -> Result<Vec<(PeerId, bool)>, ChannelError> {
        let mut known = Vec::with_capacity(accounts.len());
        for some in accounts.chunks(MAX_STATUS_ACCOUNTS) {
            let query = QueryOnlineStatus {
                accounts: some.iter().map(PeerId::as_str).collect(),
            };
            let answered = self.api.call(&query, |answer| {
                let told = answer.query_result.iter();
                told.map(|one| (PeerId::new(&*one.account), self.reachable(one.status())))
                    .collect::<Vec<_>>()
            });
            known.extend(answered.await?);
        }
        Ok(known)
    }
}

impl TencentIm {
    fn reachable(&self, status: &str) -> bool {
        match status {
            "Online" => true,
            "PushOnline" => self.config.push_counts_as_online,
            _ => false,
        }
    }
}
