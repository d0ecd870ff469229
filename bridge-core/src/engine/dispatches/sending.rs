//! One dispatch leaves: by its channel, or to the bot that it tells a rating.

use std::borrow::Cow;

use tracing::Instrument as _;

use super::{UNKNOWN, rating};
use crate::{
    channel::{ChannelError, ChannelErrorKind, Dispatch, Receipt},
    engine::{
        Engine,
        contained::{Mishap, contained},
    },
    error::Remedy,
    message::{ArrivalId, Content, Event, PeerId, Rated},
    store::StoreError,
};

impl Engine {
    pub(super) async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        if let Some(rated) = rating(dispatch) {
            return self.tell_bot(rated).await;
        }
        let Some(channel) = self.parts.channels.get(&dispatch.inbox) else {
            // Another node may know it, or this one again tomorrow: a mistake in the configuration loses nothing.
            let detail = format!("inbox {} is not configured here", dispatch.inbox);
            let again = Remedy::Retry { after: UNKNOWN };
            return Err(ChannelError::new(
                ChannelErrorKind::Configuration,
                again,
                detail,
            ));
        };
        if let Some(passed) = self.pass_on(dispatch, &**channel).await {
            return passed;
        }
        let named = match self.named(dispatch).await {
            Ok(Some(named)) => named,
            // It was never shown, or that is forgotten.
            Ok(None) => return Ok(Receipt::default()),
            Err(error) => {
                let remedy = Remedy::retry_secs(1);
                return Err(ChannelError::network(remedy, error.to_string()));
            }
        };
        let limit = self.parts.settings.send_timeout;
        // Whatever became of it, it may have been sent.
        let mishap = |mishap: Mishap| ChannelError::network(Remedy::Unknown, mishap.to_string());
        let span = tracing::info_span!("send", trace = dispatch.trace.0, dispatch = dispatch.id.0);
        contained(channel.send(&named).instrument(span), limit)
            .await
            .unwrap_or_else(|error| Err(mishap(error)))
    }

    /// The dispatch as it is to be sent: a word about a card names it as the platform does. By now the card has been sent,
    /// for what goes to one recipient goes in order. `None`: there is no such card.
    async fn named<'d>(
        &self,
        dispatch: &'d Dispatch,
    ) -> Result<Option<Cow<'d, Dispatch>>, StoreError> {
        let Content::Event(Event::CardOver {
            shown_by, words, ..
        }) = &dispatch.content
        else {
            return Ok(Some(Cow::Borrowed(dispatch)));
        };
        let card = self.card(*shown_by, &dispatch.to).await?;
        Ok(card.map(|card| {
            let (shown_by, words) = (*shown_by, words.clone());
            let event = Event::CardOver {
                shown_by,
                card,
                words,
            };
            Cow::Owned(Dispatch {
                content: Content::Event(event),
                ..dispatch.clone()
            })
        }))
    }

    /// What the platform calls the card that a turn showed somebody.
    async fn card(&self, shown_by: ArrivalId, to: &PeerId) -> Result<Option<String>, StoreError> {
        let trace = self.parts.store.trace(shown_by).await?;
        let sent = trace.into_iter().flat_map(|trace| trace.dispatches);
        let mut cards =
            sent.filter(|one| one.to == *to && matches!(one.content, Content::Menu { .. }));
        Ok(cards.find_map(|card| card.external_id))
    }

    /// A bot hears how it was rated.
    async fn tell_bot(&self, rated: &Rated) -> Result<Receipt, ChannelError> {
        let refused = |remedy, detail| ChannelError::new(ChannelErrorKind::Refused, remedy, detail);
        let Some(known) = self.parts.catalogue.get(&rated.bot).cloned() else {
            let detail = format!("bot {} is not configured any more", rated.bot);
            return Err(refused(Remedy::Never, detail));
        };
        let limit = self.parts.settings.send_timeout;
        match contained(known.bot.rated(rated), limit).await {
            Ok(Ok(())) => Ok(Receipt::default()),
            Ok(Err(error)) => Err(refused(error.remedy, error.detail)),
            Err(mishap) => Err(refused(Remedy::retry_secs(1), mishap.to_string())),
        }
    }
}
