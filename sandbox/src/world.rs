//! What the simulated platforms share: time, chance, the log, the events, the way out to the bridge.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::content::{Author, Content, Message, Status};
use crate::courier::Lanes;
use crate::events::{Happening, Hub};
use crate::faults::{Book, CallPlan, CallbackPlan};
use crate::media::{Media, Store};
use crate::settings::Settings;
use crate::wire::Log;

pub(crate) struct World {
    pub clock: Clock,
    pub chance: Chance,
    pub hub: Hub,
    pub log: Log,
    pub media: Store,
    pub lanes: Lanes,
    pub http: reqwest::Client,
    pub runtime: Handle,
    /// Where the sandbox is reached, without a trailing slash.
    pub url: String,
    pub patience: Duration,
    pub chat_capacity: usize,
    faults: Book,
    bridge: RwLock<Option<String>>,
    messages: AtomicU64,
}

impl World {
    pub fn new(settings: &Settings, url: String, http: reqwest::Client, runtime: Handle) -> Self {
        Self {
            clock: settings.clock.clone(),
            chance: Chance::new(settings.seed),
            hub: Hub::new(settings.live_events),
            log: Log::new(settings.wire_capacity),
            media: Store::default(),
            lanes: Lanes::default(),
            http,
            runtime,
            url,
            patience: settings.patience,
            chat_capacity: settings.chat_capacity.max(1),
            faults: Book::default(),
            bridge: RwLock::new(settings.bridge.clone()),
            messages: AtomicU64::new(0),
        }
    }

    pub fn now(&self) -> i64 {
        self.clock.millis()
    }

    pub fn emit(&self, what: Happening) {
        self.hub.emit(self.now(), what);
    }

    /// A new bubble; its number is the next of the sandbox.
    pub fn message(&self, from: Author, status: Status, content: Content) -> Message {
        Message {
            id: self.messages.fetch_add(1, Ordering::Relaxed) + 1,
            at: self.now(),
            from,
            status,
            key: None,
            note: None,
            content,
        }
    }

    pub fn set_bridge(&self, url: &str) {
        *self.bridge.write() = Some(url.trim_end_matches('/').to_owned());
    }

    pub fn bridge(&self) -> Option<String> {
        self.bridge.read().clone()
    }

    /// Where an inbox's callbacks go, once the bridge is known.
    pub fn callback_url(&self, inbox: &str) -> Option<String> {
        let bridge = self.bridge.read();
        bridge
            .as_ref()
            .map(|bridge| format!("{}/callback/{inbox}", bridge.trim_end_matches('/')))
    }

    pub fn media_url(&self, media: &Media) -> String {
        let name = urlencode(&media.name);
        format!("{}/media/{}/{name}", self.url, media.id)
    }

    pub fn faults(&self) -> &Book {
        &self.faults
    }

    /// Tells the pages that the ordered faults changed.
    pub fn faults_changed(&self) {
        let faults = self.faults.lines();
        self.emit(Happening::Faults { faults });
    }

    pub fn plan_call(&self, operation: &str, who: impl Fn() -> Vec<String>) -> CallPlan {
        let plan = self.faults.plan_call(operation, &self.chance, who);
        if plan.label.is_some() {
            self.faults_changed();
        }
        plan
    }

    pub fn plan_callback(&self, operation: &str, who: impl Fn() -> Vec<String>) -> CallbackPlan {
        let plan = self.faults.plan_callback(operation, &self.chance, who);
        if plan.label.is_some() {
            self.faults_changed();
        }
        plan
    }

    /// Looks after every change until something is found or patience ends.
    ///
    /// Waits on the sandbox's own runtime, so that a test whose runtime has its time paused does not run out of patience
    /// at once.
    pub async fn wait_for<T: Send + 'static>(
        self: &Arc<Self>,
        patience: Duration,
        mut look: impl FnMut() -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let world = self.clone();
        let waiting = self.runtime.spawn(async move {
            let deadline = Instant::now() + patience;
            loop {
                let change = world.hub.change();
                if let Some(found) = look() {
                    return Some(found);
                }
                if tokio::time::timeout_at(deadline, change).await.is_err() {
                    return look();
                }
            }
        });
        // The task ends early only when the sandbox is stopped under the test.
        waiting.await.ok().flatten()
    }
}

/// Percent-encodes everything but the unreserved characters.
pub(crate) fn urlencode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
