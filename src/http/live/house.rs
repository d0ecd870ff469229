//! What the sockets of one node share: the bridge, who sits where, and the bells.

use std::{sync::Arc, time::Duration};

use bridge_core::{
    broker::Notice,
    cache::{Admission, Pace},
    channel::{Channel, Live},
    message::InboxName,
};
use tokio::sync::{Semaphore, broadcast::error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{rooms::Rooms, seats::Seats, show::Shelf};
use crate::app::App;

/// Uploads in hand at once on one node: each is in memory.
const UPLOADS: usize = 32;

/// What the sockets of one node share.
pub(in crate::http) struct House {
    pub(super) app: Arc<App>,
    pub(super) rooms: Arc<Rooms>,
    pub(super) seats: Arc<Seats>,
    pub(super) shelf: Shelf,
    pub(super) uploads: Semaphore,
    pub(super) closing: CancellationToken,
}

/// An inbox whose contacts come to us.
pub(super) struct Site {
    pub(super) inbox: InboxName,
    channel: Arc<dyn Channel>,
}

impl House {
    /// Opens the house; its bells ring from now on.
    pub(in crate::http) fn open(app: Arc<App>) -> Arc<Self> {
        let house = Arc::new(Self {
            rooms: Arc::default(),
            seats: Arc::default(),
            shelf: Shelf::default(),
            uploads: Semaphore::new(UPLOADS),
            closing: CancellationToken::new(),
            app,
        });
        tokio::spawn(house.clone().listen());
        house
    }

    /// Asks everybody to leave: their pages come back to another node, or to this one when it is up again.
    pub(in crate::http) fn close(&self) {
        self.closing.cancel();
    }

    /// The inbox of that name, if its contacts come to us.
    pub(super) fn site(&self, inbox: &str) -> Option<Site> {
        let (name, channel) = self.app.engine.parts().channels.get_key_value(inbox)?;
        channel.live()?;
        Some(Site {
            inbox: name.clone(),
            channel: channel.clone(),
        })
    }

    /// `None`: go on. Else too much was done in a minute; how long to wait. While the cache is out of reach everybody may.
    pub(super) async fn too_fast(&self, what: &str, who: &str, a_minute: u32) -> Option<Duration> {
        let every = Duration::from_secs(60) / a_minute.max(1);
        let pace = Pace {
            every,
            ahead: every * a_minute.saturating_sub(1),
            patience: Duration::ZERO,
        };
        let key = format!("live.{what}/{who}");
        match self.app.engine.parts().cache.admit(&key, &pace).await {
            Ok(Admission::Refused { again }) => Some(again.max(Duration::from_millis(100))),
            Ok(Admission::Granted { .. }) => None,
            Err(error) => {
                tracing::debug!(%error, what, "nobody counts");
                None
            }
        }
    }

    async fn listen(self: Arc<Self>) {
        let mut watched = self.app.engine.watch();
        loop {
            let notice = tokio::select! {
                notice = watched.recv() => notice,
                () = self.closing.cancelled() => return,
            };
            match notice {
                Ok(Notice::Changed(conversation)) => self.rooms.changed(conversation),
                Ok(Notice::Typing(conversation)) => self.rooms.typing(conversation),
                Ok(Notice::All) | Err(RecvError::Lagged(_)) => self.rooms.all(),
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }
}

impl Site {
    /// What it says and reads.
    pub(super) fn live(&self) -> &dyn Live {
        #[expect(
            clippy::expect_used,
            reason = "`House::site` makes a site of nothing else"
        )]
        self.channel.live().expect("a site's contacts come to us")
    }
}
