//! The channel against the simulated platform, which is written from the notes and shares no code with it.

mod checking;
mod pulling;
mod sending;
mod servicers;

use std::sync::Arc;

use bridge_core::{
    cache::MemoryCache,
    channel::{Channel, Dispatch},
    clock::{Clock, SystemClock, Timestamp},
    message::{ArrivalId, Content, ConversationId, DispatchId, InboxName, PeerId},
    plugin::{Plugin, Tools},
};
use bridge_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use super::{Kf, config::Config};

fn stage(change: impl FnOnce(&mut Settings)) -> (Sandbox, Kf) {
    let mut settings = Settings::default();
    change(&mut settings);
    let sandbox = Sandbox::start(settings).unwrap();
    let kf = channel(&sandbox, |_| {});
    (sandbox, kf)
}

fn section(sandbox: &Sandbox) -> Value {
    let platform = sandbox.kf().settings();
    json!({
        "corp_id": platform.corp_id,
        "secret": platform.secret,
        "token": platform.token,
        "encoding_aes_key": platform.encoding_aes_key,
        "accounts": [platform.open_kfid],
        "api_base": sandbox.kf_base(),
    })
}

fn channel(sandbox: &Sandbox, change: impl FnOnce(&mut Value)) -> Kf {
    let mut config = section(sandbox);
    change(&mut config);
    let config: Config = serde_json::from_value(config).unwrap();
    Kf::build(config, &tools()).unwrap()
}

fn tools() -> Tools {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Tools {
        name: Arc::from("kf"),
        cache: Arc::new(MemoryCache::new(clock.clone())),
        clock,
        ..bridge_core::testkit::tools()
    }
}

async fn everything(kf: &Kf, cursor: &mut Option<String>) -> Vec<bridge_core::message::Arrival> {
    let account = kf.accounts.first().unwrap().clone();
    let pull = kf.pull().unwrap();
    let mut all = Vec::new();
    loop {
        let page = pull.pull(&account, None, cursor.as_deref()).await.unwrap();
        all.extend(page.arrivals);
        *cursor = page.cursor.or(cursor.take());
        if !page.more {
            return all;
        }
    }
}

fn dispatch(to: &PeerId, id: i64, content: Content) -> Dispatch {
    Dispatch {
        id: DispatchId(id),
        trace: ArrivalId(1),
        conversation: ConversationId(1),
        inbox: InboxName::new("kf"),
        to: to.clone(),
        sender: None,
        content,
        attempt: 1,
        created_at: Timestamp(1_767_225_600_000),
    }
}
