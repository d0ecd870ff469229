//! One dispatch as one message (seldom two: a voice and its words).
//!
//! A message is named by `MsgSeq` and `MsgRandom`, both derived from the dispatch, so that however often it is sent the
//! service and we can tell that it is the same. The service itself forgets after about a second (Tencent IM, 10);
//! hence a try that follows an unclear one looks into the history first.

use std::collections::HashSet;

use bridge_convertors::tencent_im::body::Element;
use bridge_convertors::tencent_im::error_table::Class;
use bridge_convertors::tencent_im::rest::{FORBID_CALLBACKS, SendMsg};
use bridge_core::channel::{ChannelError, Dispatch, Receipt};
use bridge_core::convert::Written;
use bridge_core::message::DispatchId;
use bridge_core::rate::Lane;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::TencentIm;
use super::api::CallError;
use super::history::View;

/// "Neither the sender's devices nor its history": a stand-in has none that anybody looks at.
const NOT_TO_THE_SENDER: u32 = 2;
/// Pages of history in which a message that may have arrived is looked for.
const PAGES: usize = 3;
/// How far the service's clock may be from ours, in seconds.
const CLOCKS_APART: u64 = 60;
/// Dispatches that are remembered to be unsent.
const REMEMBERED: usize = 10_000;

/// Separates the keys of a receipt whose dispatch took several messages.
pub(super) const KEY_SEPARATOR: char = ',';

/// What names a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ids {
    pub(super) seq: u32,
    pub(super) random: u32,
}

impl Ids {
    /// For one part of a dispatch. `seq` grows with the dispatches, because clients sort what was said in one second
    /// by it; both stay below 2^31, because some receivers read them as signed. (9.9; trap 9.)
    pub(super) fn of(dispatch: &Dispatch, part: usize) -> Self {
        const PARTS: u64 = 8;
        const POSITIVE: u32 = i32::MAX as u32;
        let number = dispatch
            .id
            .0
            .unsigned_abs()
            .wrapping_mul(PARTS)
            .wrapping_add(part as u64);
        let digest = Sha256::new()
            .chain_update(dispatch.inbox.as_str())
            .chain_update(dispatch.id.0.to_le_bytes())
            .chain_update(dispatch.created_at.0.to_le_bytes())
            .chain_update(part.to_le_bytes())
            .finalize();
        let random = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self {
            seq: (number % (u64::from(POSITIVE) + 1)) as u32,
            random: random & POSITIVE,
        }
    }
}

/// Dispatches whose last try certainly sent nothing: their next try need not look into the history. Losing the memory
/// of one costs one look.
#[derive(Default)]
pub(super) struct Unsent(Mutex<HashSet<DispatchId>>);

impl Unsent {
    fn note(&self, dispatch: DispatchId) {
        let mut unsent = self.0.lock();
        if unsent.len() >= REMEMBERED {
            unsent.clear();
        }
        unsent.insert(dispatch);
    }

    fn take(&self, dispatch: DispatchId) -> bool {
        self.0.lock().remove(&dispatch)
    }
}

/// What of a dispatch the agent has already: the ids and keys of its messages.
type Delivered = Vec<(Ids, String)>;

impl TencentIm {
    pub(super) async fn send_dispatch(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        let Written { parts, lost } = self.outgoing(dispatch).await?;
        if let Some(persona) = &dispatch.sender {
            self.ensure_imported(persona).await?;
        }
        let repeated = dispatch.attempt > 1 && !self.unsent.take(dispatch.id);
        let delivered = if repeated {
            self.delivered(dispatch).await?
        } else {
            Vec::new()
        };
        let mut keys: Vec<String> = Vec::with_capacity(parts.len());
        for (part, element) in parts.iter().enumerate() {
            let ids = Ids::of(dispatch, part);
            let key = match delivered.iter().find(|(sent, _)| *sent == ids) {
                Some((_, key)) => Ok(key.clone()),
                None => self.deliver(dispatch, ids, element).await,
            };
            match key {
                Ok(key) => keys.push(key),
                Err(error) => {
                    if keys.is_empty() && !matches!(error, CallError::Unclear(_)) {
                        self.unsent.note(dispatch.id);
                    }
                    return Err(error.into());
                }
            }
        }
        let external_id =
            Some(keys.join(&KEY_SEPARATOR.to_string())).filter(|keys| !keys.is_empty());
        Ok(Receipt { external_id, lost })
    }

    /// Sends one message, and once more where that may help at once; its key.
    async fn deliver(
        &self,
        dispatch: &Dispatch,
        ids: Ids,
        element: &Element<'_>,
    ) -> Result<String, CallError> {
        match self.post(dispatch, ids, element).await {
            Err(error) if error.class() == Some(Class::Import) => {
                self.import_both(dispatch.sender.as_ref(), dispatch.to.as_str())
                    .await?;
                self.post(dispatch, ids, element).await
            }
            Err(CallError::Unclear(why)) => {
                tracing::debug!(
                    dispatch = dispatch.id.0,
                    why,
                    "it may have arrived: looking before repeating"
                );
                let delivered = self.delivered(dispatch).await?;
                match delivered.into_iter().find(|(sent, _)| *sent == ids) {
                    Some((_, key)) => Ok(key),
                    None => self.post(dispatch, ids, element).await,
                }
            }
            other => other,
        }
    }

    async fn post(
        &self,
        dispatch: &Dispatch,
        ids: Ids,
        element: &Element<'_>,
    ) -> Result<String, CallError> {
        let tag = format!(r#"{{"src":"kefu-bridge","mid":"{}"}}"#, dispatch.id);
        let message = SendMsg {
            sync_other_machine: NOT_TO_THE_SENDER,
            from: dispatch.sender.as_ref().map(|persona| persona.id.as_str()),
            to: dispatch.to.as_str(),
            msg_life_time: None,
            msg_seq: ids.seq,
            msg_random: ids.random,
            forbid_callback_control: FORBID_CALLBACKS,
            send_msg_control: &[],
            msg_body: std::slice::from_ref(element),
            cloud_custom_data: &tag,
        };
        self.api
            .call(&message, |sent| sent.msg_key.to_string())
            .await
    }

    /// What of a dispatch is in the receiver's history. An account that does not exist has none.
    async fn delivered(&self, dispatch: &Dispatch) -> Result<Delivered, CallError> {
        let sender = dispatch
            .sender
            .as_ref()
            .map_or(self.config.admin.as_str(), |persona| persona.id.as_str());
        let from = unix(dispatch.created_at.as_secs()).saturating_sub(CLOCKS_APART);
        let view = View {
            operator: dispatch.to.as_str(),
            peer: sender,
            lane: Lane::Interactive,
        };
        let mut delivered = Delivered::new();
        let walked = self.walk(view, from, PAGES, |message| {
            if message.from == sender {
                let ids = Ids {
                    seq: message.msg_seq,
                    random: message.msg_random,
                };
                delivered.push((ids, message.msg_key.to_string()));
            }
        });
        match walked.await {
            Err(error) if error.class() != Some(Class::Import) => Err(error),
            _ => Ok(delivered),
        }
    }
}

fn unix(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0)
}
