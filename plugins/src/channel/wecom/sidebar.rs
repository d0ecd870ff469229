//! The page beside a chat: the tickets and signatures that let it in (WeCom: 5.6), and what members know of a customer
//! (WeCom: 4.5).

use std::collections::BTreeSet;

use async_trait::async_trait;
use bridge_convertors::wecom::js_sdk::signature;
use bridge_core::{
    channel::{Acquaintance, ChannelError, Sidebar},
    message::{Handle, Profile},
};
use serde_json::{Value, json};

use super::Wecom;

/// The most tags that are shown, and how long each may be, in characters.
const TAGS: usize = 50;
const TAG: usize = 60;

#[async_trait]
impl Sidebar for Wecom {
    /// For `wx.config` with the corp's ticket, and for `wx.agentConfig` with the app's: neither does for the other.
    async fn pass(&self, url: &str) -> Result<Value, ChannelError> {
        let app_query = [("type", "agent_config")];
        let (corp, app) = tokio::try_join!(
            self.api.ticket("/cgi-bin/get_jsapi_ticket", &[]),
            self.api.ticket("/cgi-bin/ticket/get", &app_query),
        )?;
        let at = self.clock.now().as_secs();
        let nonce = format!("{:032x}", rand::random::<u128>());
        let corp_id = &self.config.corp_id;
        Ok(json!({
            "url": url,
            "config": {
                "beta": true,
                "appId": corp_id,
                "timestamp": at,
                "nonceStr": nonce,
                "signature": signature(&corp, &nonce, at, url),
            },
            "agentConfig": {
                "corpid": corp_id,
                "agentid": self.config.agent_id,
                "timestamp": at,
                "nonceStr": nonce,
                "signature": signature(&app, &nonce, at, url),
            },
        }))
    }

    fn handle(&self, contact: &str) -> Option<Handle> {
        Handle::external_user(&self.config.corp_id, contact)
    }

    async fn known(&self, contact: &str) -> Result<Acquaintance, ChannelError> {
        let query = [("external_userid", contact)];
        let answer = self.api.get("/cgi-bin/externalcontact/get", &query).await?;
        let told = &answer["external_contact"];
        let text = |name: &str| {
            let text = told[name].as_str().filter(|text| !text.is_empty())?;
            Some(text.chars().take(256).collect::<String>())
        };
        let union_id = told["unionid"].as_str().and_then(Handle::union_id);
        let members = answer["follow_user"].as_array().into_iter().flatten();
        let tags = members.flat_map(|member| member["tags"].as_array().into_iter().flatten());
        let tags: BTreeSet<String> = tags
            .filter_map(|tag| tag["tag_name"].as_str())
            .map(|tag| tag.chars().take(TAG).collect())
            .take(TAGS)
            .collect();
        Ok(Acquaintance {
            profile: Profile {
                name: text("name"),
                avatar_url: text("avatar"),
                handles: union_id.into_iter().collect(),
            },
            tags: tags.into_iter().collect(),
        })
    }
}
