//! Decode: finds the inbox named in the URL and lets its channel check and read the callback. Before the platform is
//! answered, and without any I/O.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use async_trait::async_trait;

use super::{Addressed, ChainError, Ending, Filter};
use crate::{
    channel::{Channel, Decoded},
    message::InboxName,
};

/// The first filter: finds the inbox and has its channel read the request.
pub struct DecodeDelivery {
    /// The configured inboxes.
    pub channels: Arc<BTreeMap<InboxName, Arc<dyn Channel>>>,
}

#[async_trait]
impl Filter<Addressed> for DecodeDelivery {
    type Out = Decoded;

    async fn apply(&self, input: Addressed) -> Result<ControlFlow<Ending, Decoded>, ChainError> {
        let channel = self
            .channels
            .get(&input.inbox)
            .ok_or(ChainError::UnknownInbox(input.inbox))?;
        Ok(ControlFlow::Continue(channel.decode(&input.delivery)?))
    }
}
