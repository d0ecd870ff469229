//! The history of open conversations, searched for what agents said in callbacks that never came: the service gives us
//! two seconds and does not repeat itself. (Tencent IM, 8.3, 3.2.)
//!
//! The view is the agent's own, because views differ and the agent's is the one that what they said is in (trap 18).
//! Pages come newest first; all of a search are gathered and handed on the other way round, with the ids that callbacks
//! have. The service's own order is kept: the sequence numbers of clients are random.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use bridge_convertors::tencent_im::rest::{AdminGetRoamMsg, FLAG_RECALLED, RoamedMessage};
use bridge_core::channel::{ChannelError, DeskThread, Page, Pull, PullHint};
use bridge_core::clock::Timestamp;
use bridge_core::message::Arrival;
use bridge_core::rate::Lane;

use super::TencentIm;
use super::api::CallError;
use super::arrivals::Between;

/// Messages asked for at once.
const PAGE: u32 = 100;
/// Pages of one search; 13 KB each.
const PAGES: usize = 50;
/// A search begins so many seconds before the newest message it knows, or before the agent got the conversation:
/// messages of one moment may become visible one after another, and clocks differ. What is found again is known by its id.
const OVERLAP: u64 = 5;
/// How far the service's clock may be ahead of ours, in seconds.
const CLOCKS_APART: u64 = 60;

#[async_trait]
impl Pull for TencentIm {
    /// `topic` is `STAND_IN/AGENT`, `token` the Unix second in which the agent got the conversation, `cursor` that of
    /// the newest message known.
    async fn pull(
        &self,
        topic: &str,
        token: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Page, ChannelError> {
        let (stand_in, agent) = topic
            .split_once('/')
            .ok_or_else(|| ChannelError::malformed("a topic is STAND_IN/AGENT"))?;
        let since: u64 = token.and_then(|since| since.parse().ok()).unwrap_or(0);
        let known: u64 = cursor.and_then(|known| known.parse().ok()).unwrap_or(0);
        let from = since.max(known).saturating_sub(OVERLAP);
        let found = self.search(Between { agent, stand_in }, from).await?;
        let newest = found.newest.max(known);
        Ok(Page {
            arrivals: found.messages.into_iter().rev().flatten().collect(),
            cursor: (newest > 0).then(|| newest.to_string()),
            more: false,
        })
    }

    /// One search for each open conversation, as many as may be made at a time; the next time goes on with the others.
    fn routine(&self, open: &[DeskThread]) -> Vec<PullHint> {
        let most = self.config.history_threads.min(open.len());
        if most == 0 {
            return Vec::new();
        }
        let start = self.looked.fetch_add(most, Ordering::Relaxed) % open.len();
        open.iter()
            .cycle()
            .skip(start)
            .take(most)
            .map(hint)
            .collect()
    }

    fn every(&self) -> Duration {
        self.config.history_every.0
    }
}

fn hint(thread: &DeskThread) -> PullHint {
    PullHint {
        topic: format!("{}/{}", thread.stand_in, thread.agent),
        token: Some(thread.since.as_secs().to_string()),
    }
}

/// What a search came to.
#[derive(Default)]
struct Found {
    /// The newest message first; of each, what it says in order.
    messages: Vec<Vec<Arrival>>,
    /// Unix seconds of the newest message, whoever sent it.
    newest: u64,
}

/// Whose history, and of the chat with whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) operator: &'a str,
    pub(super) peer: &'a str,
    /// Whether a person waits for what is found.
    pub(super) lane: Lane,
}

/// Where the next page begins.
struct Next {
    time: u64,
    key: String,
}

impl TencentIm {
    async fn search(&self, between: Between<'_>, from: u64) -> Result<Found, ChannelError> {
        let now = self.clock.now();
        let mut found = Found::default();
        let view = View {
            operator: between.agent,
            peer: between.stand_in,
            lane: Lane::Bulk,
        };
        let whole = self.walk(view, from, PAGES, |message| {
            found.newest = found.newest.max(message.msg_time_stamp);
            found.messages.extend(self.missed(between, message, now));
        });
        if !whole.await? {
            tracing::warn!(
                agent = between.agent,
                stand_in = between.stand_in,
                "more history than is searched at once"
            );
        }
        Ok(found)
    }

    /// Shows every message of a view since `from` (Unix seconds), the newest first; false where `pages` did not suffice.
    pub(super) async fn walk(
        &self,
        view: View<'_>,
        from: u64,
        pages: usize,
        mut visit: impl FnMut(&RoamedMessage<'_>),
    ) -> Result<bool, CallError> {
        let now = u64::try_from(self.clock.now().as_secs()).unwrap_or(0);
        let mut next = Next {
            time: now + CLOCKS_APART,
            key: String::new(),
        };
        for _ in 0..pages {
            let look = AdminGetRoamMsg {
                operator: view.operator,
                peer: view.peer,
                max_cnt: PAGE,
                min_time: from,
                max_time: next.time,
                last_msg_key: &next.key,
            };
            let page = self.api.call_in(view.lane, &look, |page| {
                page.newest_first().into_iter().for_each(&mut visit);
                let over = page.complete == 1 || page.msg_list.is_empty();
                (!over).then(|| Next {
                    time: page.last_msg_time,
                    key: page.last_msg_key.to_string(),
                })
            });
            match page.await? {
                Some(before) => next = before,
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// What a callback would have told of a message; nothing of what we said ourselves.
    fn missed(
        &self,
        between: Between<'_>,
        message: &RoamedMessage<'_>,
        now: Timestamp,
    ) -> Option<Vec<Arrival>> {
        if message.from != between.agent {
            return None;
        }
        Some(match message.msg_flag_bits & FLAG_RECALLED {
            0 => self.spoken(between, message.key(), &message.msg_body, now),
            _ => vec![self.recalled(between, message.key(), now)],
        })
    }
}
