//! `sync_msg`: a page after the cursor (WeCom: 3.2). Never stops at an empty page, never asks without the account, and at the
//! very first start passes over what lies there from before: the mark of that is part of the cursor, so that a restart in the
//! middle of it forgets nothing.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use bridge_convertors::wecom::kf::read;
use bridge_core::{
    channel::{ChannelError, DeskThread, Page, Pull, PullHint},
    error::Remedy,
    message::{Handle, Profile},
};
use serde_json::{Value, json};

use super::Kf;

/// Rows of one page (WeCom: 3.2, at most 1000).
const PAGE: usize = 500;
/// How long a customer's name is remembered.
const NAME: Duration = Duration::from_secs(24 * 3600);
/// Names asked for in one call (WeCom: 3.8).
const NAMES: usize = 100;

/// A cursor, and before which moment rows are passed over while the first pull is under way.
struct Place {
    skip_before: Option<i64>,
    cursor: String,
}

impl Place {
    fn of(account: &Kf, stored: Option<&str>) -> Self {
        match stored {
            None => {
                let before = account.started - account.config.first_look_back.0;
                Self {
                    skip_before: Some(before.as_secs()),
                    cursor: String::new(),
                }
            }
            Some(stored) => {
                let marked = stored.strip_prefix("first:").and_then(|rest| {
                    let (before, cursor) = rest.split_once(':')?;
                    Some((before.parse().ok()?, cursor))
                });
                let (skip_before, cursor) = match marked {
                    Some((before, cursor)) => (Some(before), cursor),
                    None => (None, stored),
                };
                Self {
                    skip_before,
                    cursor: cursor.to_owned(),
                }
            }
        }
    }

    /// What is stored with the page that leads to `next`.
    fn after(&self, next: &str, more: bool) -> String {
        match self.skip_before {
            Some(before) if more => format!("first:{before}:{next}"),
            _ => next.to_owned(),
        }
    }
}

#[async_trait]
impl Pull for Kf {
    async fn pull(
        &self,
        topic: &str,
        token: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Page, ChannelError> {
        let place = Place::of(self, cursor);
        let answer = match self.sync(topic, token, &place.cursor).await {
            // The callback's token lives ten minutes; without one it goes, too, only slower (WeCom: 3.11).
            Err(error) if error.code == Some(95007) => {
                self.sync(topic, None, &place.cursor).await?
            }
            other => other?,
        };
        let more = answer["has_more"].as_i64() == Some(1);
        let rows = answer["msg_list"].as_array().cloned().unwrap_or_default();
        let next = answer["next_cursor"].as_str().unwrap_or_default();
        let fresh: Vec<Value> = rows
            .into_iter()
            .filter(|row| {
                let before = place.skip_before.unwrap_or(i64::MIN);
                read::sent_at(row).is_none_or(|at| at >= before)
            })
            .take(PAGE * 2)
            .collect();
        let names = self.names(&fresh).await;
        let mut arrivals = Vec::with_capacity(fresh.len());
        for row in &fresh {
            if let Some(arrival) = self.arrival(topic, row, &names) {
                self.note_word(row, &arrival).await;
                arrivals.push(arrival);
            }
        }
        Ok(Page {
            arrivals,
            cursor: (!next.is_empty()).then(|| place.after(next, more)),
            more,
        })
    }

    fn routine(&self, _: &[DeskThread]) -> Vec<PullHint> {
        let hint = |account: &String| PullHint {
            topic: account.clone(),
            token: None,
        };
        self.accounts.iter().map(hint).collect()
    }

    fn every(&self) -> Duration {
        self.config.pull_every.0
    }
}

impl Kf {
    async fn sync(
        &self,
        account: &str,
        token: Option<&str>,
        cursor: &str,
    ) -> Result<Value, ChannelError> {
        let mut body = json!({ "open_kfid": account, "limit": PAGE, "voice_format": 0 });
        // Empty strings are refused (WeCom: 8, T11).
        if !cursor.is_empty() {
            body["cursor"] = cursor.into();
        }
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            body["token"] = token.into();
        }
        let pulled = self.api.post("/cgi-bin/kf/sync_msg", &body).await;
        // Reading again changes nothing.
        pulled.map_err(|error| match error.remedy {
            Remedy::Unknown => ChannelError {
                remedy: Remedy::retry_secs(1),
                ..error
            },
            _ => error,
        })
    }

    /// What a customer is called beyond this account: the same in all KF accounts of the corporation, and the unionid where
    /// the corporation is bound to an open-platform account (WeCom: 3.8).
    fn handles(&self, customer: &str, union_id: Option<&str>) -> Vec<Handle> {
        let external = Handle::external_user(&self.config.corp_id, customer);
        external
            .into_iter()
            .chain(union_id.and_then(Handle::union_id))
            .collect()
    }

    /// Names and pictures of the customers in a page that are not known yet. Best effort: people are served without a name.
    async fn names(&self, rows: &[Value]) -> BTreeMap<String, Profile> {
        let mut unknown: Vec<&str> = Vec::new();
        for customer in rows.iter().filter_map(read::customer) {
            let key = format!("kf:name:{customer}");
            let known = self.cache.get(&key).await;
            if !unknown.contains(&customer) && matches!(known, Ok(None)) {
                unknown.push(customer);
            }
        }
        let mut names = BTreeMap::new();
        for some in unknown.chunks(NAMES) {
            let body = json!({ "external_userid_list": some, "need_enter_session_context": 0 });
            let answer = match self.api.post("/cgi-bin/kf/customer/batchget", &body).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::debug!(%error, "customers stay without names for now");
                    return names;
                }
            };
            for one in answer["customer_list"].as_array().into_iter().flatten() {
                let field = |name: &str| {
                    let value = one[name].as_str().filter(|value| !value.is_empty())?;
                    Some(value.chars().take(256).collect::<String>())
                };
                if let Some(id) = one["external_userid"].as_str() {
                    let profile = Profile {
                        name: field("nickname"),
                        avatar_url: field("avatar"),
                        handles: self.handles(id, one["unionid"].as_str()),
                    };
                    names.insert(id.to_owned(), profile);
                    let _ = self.cache.put(&format!("kf:name:{id}"), "1", NAME).await;
                }
            }
        }
        names
    }
}
