//! Who serves in WeCom: listed (WeCom: 3.8), and asked for as an agent's presence.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use bridge_core::{
    channel::{ChannelError, Presence},
    message::PeerId,
    routing::Agent,
};
use serde_json::Value;

use super::Kf;

/// How long a servicer to whom a session could not be given counts as away, whatever the list says.
const REFUSED: Duration = Duration::from_secs(600);

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Servicer {
    /// A person, and whether they are serving.
    Person { user_id: String, serving: bool },
    /// Everybody of a department.
    Department(i64),
}

impl Kf {
    /// The servicers of an account.
    pub(super) async fn servicers(&self, account: &str) -> Result<Vec<Servicer>, ChannelError> {
        let request = |token: &str| {
            self.api
                .http
                .get(format!("{}/cgi-bin/kf/servicer/list", self.api.base))
                .query(&[("access_token", token), ("open_kfid", account)])
        };
        let answer = self.api.call(request).await?;
        let list = answer["servicer_list"].as_array().into_iter().flatten();
        Ok(list.filter_map(servicer).collect())
    }

    /// Those of them who are serving, but not those who were found not to.
    pub(super) async fn serving(&self, account: &str) -> Result<Vec<String>, ChannelError> {
        let mut serving = Vec::new();
        for servicer in self.servicers(account).await? {
            if let Servicer::Person {
                user_id,
                serving: true,
            } = servicer
                && !self.was_refused(account, &user_id).await
            {
                serving.push(user_id);
            }
        }
        Ok(serving)
    }

    fn refused_key(&self, account: &str, servicer: &str) -> String {
        let servicer = servicer.to_ascii_lowercase();
        format!("kf:refused:{}:{account}:{servicer}", self.words.inbox)
    }

    /// The platform does not give this servicer sessions: not one of the account's, not activated, or not serving.
    pub(super) async fn note_refused(&self, account: &str, servicer: &str) {
        let key = self.refused_key(account, servicer);
        // Lost with the cache: then it is tried, and refused, once more.
        let _ = self.cache.put(&key, "1", REFUSED).await;
    }

    async fn was_refused(&self, account: &str, servicer: &str) -> bool {
        let key = self.refused_key(account, servicer);
        matches!(self.cache.get(&key).await, Ok(Some(_)))
    }
}

fn servicer(line: &Value) -> Option<Servicer> {
    let person = line["userid"].as_str().filter(|id| !id.is_empty());
    match person {
        // 0 or 1 here, 1 or 2 in the event (WeCom: 3.4, 3.8).
        Some(id) => Some(Servicer::Person {
            user_id: id.to_owned(),
            serving: line["status"].as_i64() == Some(0),
        }),
        None => line["department_id"].as_i64().map(Servicer::Department),
    }
}

#[async_trait]
impl Presence for Kf {
    /// Who serves at any of the accounts is there. Who belongs to one by a department is not listed, and not known.
    async fn online(&self, accounts: &[PeerId]) -> Result<Vec<(PeerId, bool)>, ChannelError> {
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        for account in &self.accounts {
            for servicer in self.servicers(account).await? {
                if let Servicer::Person { user_id, serving } = servicer {
                    let serving = serving && !self.was_refused(account, &user_id).await;
                    *known.entry(user_id.to_ascii_lowercase()).or_default() |= serving;
                }
            }
        }
        let told = accounts
            .iter()
            .filter(|account| account.as_str() != Agent::EVERYBODY);
        Ok(told
            .filter_map(|account| {
                let serving = known.get(&account.as_str().to_ascii_lowercase())?;
                Some((account.clone(), *serving))
            })
            .collect())
    }
}
