//! The channel against the simulated platform, which is written from the notes and shares no code with it.

mod checking;
mod incoming;
mod outgoing;

use std::sync::Arc;

use bridge_core::{
    cache::MemoryCache,
    channel::Dispatch,
    clock::{Clock, SystemClock, Timestamp},
    message::{ArrivalId, Content, ConversationId, DispatchId, InboxName, PeerId},
    plugin::{Plugin, Tools},
};
use bridge_sandbox::{
    Account, Sandbox, Settings,
    wechat::{NewCustomer, Phone},
};
use serde_json::{Value, json};

use super::{MiniApp, config::Config};

fn stage() -> (Sandbox, MiniApp, Phone) {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let app = channel(&sandbox, |_| {});
    let customer = NewCustomer {
        nickname: "小周".to_owned(),
        inbox: Some("mini".to_owned()),
        ..NewCustomer::default()
    };
    let phone = sandbox.wechat().add_customer(customer).unwrap();
    (sandbox, app, phone)
}

fn platform() -> Account {
    Account::mini_program()
}

fn template() -> String {
    platform().mini.unwrap().templates.remove(0).id
}

fn section(sandbox: &Sandbox) -> Value {
    let account = platform();
    json!({
        "app_id": account.app_id,
        "app_secret": account.app_secret,
        "token": account.token,
        "encoding_aes_key": account.encoding_aes_key,
        "api_base": sandbox.wechat_base(),
        "page": "pages/kefu/index",
        "nudge": {
            "template": template(),
            "fields": { "thing1": "{sender}", "thing2": "{summary}", "time3": "{time}" },
        },
    })
}

fn channel(sandbox: &Sandbox, change: impl FnOnce(&mut Value)) -> MiniApp {
    let mut config = section(sandbox);
    change(&mut config);
    built(config)
}

fn built(config: Value) -> MiniApp {
    let config: Config = serde_json::from_value(config).unwrap();
    MiniApp::build(config, &tools()).unwrap()
}

fn tools() -> Tools {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Tools {
        name: Arc::from("mini"),
        cache: Arc::new(MemoryCache::new(clock.clone())),
        clock,
        ..bridge_core::testkit::tools()
    }
}

fn dispatch(to: &str, content: Content) -> Dispatch {
    Dispatch {
        id: DispatchId(17),
        trace: ArrivalId(1),
        conversation: ConversationId(1),
        inbox: InboxName::new("mini"),
        to: PeerId::new(to),
        sender: None,
        content,
        attempt: 1,
        created_at: Timestamp(1_735_689_600_000),
    }
}
