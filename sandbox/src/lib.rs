//! WeChat, WeCom, Tencent IM and Dify in a box: simulated platforms as real HTTP peers.
//!
//! They check what the real ones check (signatures, UserSigs, tokens, quotas, dedupe windows, message forms), answer as the
//! real ones answer, call the bridge back as the real ones do, and go wrong to order. They are written from the protocol
//! notes with wire code of their own: nothing here is shared with the bridge, so that a mistake on one side shows.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use bridge_sandbox::{Sandbox, Settings};
//!
//! let sandbox = Sandbox::start(Settings::default())?;
//! sandbox.set_bridge("http://127.0.0.1:8080");
//! let phone = sandbox.wechat().phone("小周");
//! let agent = sandbox.tim().client("agent_system").ok_or("no such agent")?;
//! assert!(phone.says("转人工").await.delivered());
//! let heard = agent.hears_text("转人工").await?;
//! agent.says(&heard.peer, "您好，请讲")?.await;
//! phone.hears_text("请讲").await?;
//! # Ok(())
//! # }
//! ```
//!
//! The pages and their API are described in `API.md`, the ways to go wrong in [`faults`].

mod call;
mod chance;
mod clock;
mod content;
mod courier;
pub mod dify;
mod events;
pub mod faults;
mod gate;
pub mod kf;
mod media;
mod multipart;
mod panel;
mod play;
mod server;
mod settings;
pub mod tim;
pub mod wechat;
pub mod wecom;
mod wire;
mod world;

pub use clock::{Clock, Hand};
pub use content::{
    Article, Author, CardButton, CardOption, CardQuestion, CardRow, Content, MenuChoice, Message,
    Status, TemplateCard,
};
pub use courier::{End, Outcome};
pub use events::{EVENTS_KEPT, Event, Happening};
pub use media::Media;
pub use play::{Pushed, Silence};
pub use server::{Sandbox, StartError};
pub use settings::{
    Account, AgentSettings, Allowances, AppMode, DifyApp, DifySettings, Format, MenuAction,
    MenuEntry, MiniProgram, Mode, Robot, Settings, Shape, Template, TimSettings, WechatSettings,
    WecomApp, WecomMember, WecomSettings,
};
pub use wire::{Direction, Exchange, Line, PeerName, Side};
