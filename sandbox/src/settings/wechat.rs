//! WeChat: official accounts and mini programs, their menus, what they may send.

use std::time::Duration;

/// The official account platform.
#[derive(Clone, Debug)]
pub struct WechatSettings {
    /// The accounts it knows.
    pub accounts: Vec<Account>,
    /// How long a callback may take before it is sent again (WeChat: 5 s).
    pub push_timeout: Duration,
    /// How often a callback is tried (WeChat: 3 times).
    pub push_attempts: u32,
    /// How long an access token lives (WeChat: 7200 s).
    pub token_life: Duration,
    /// What an account may send, and when.
    pub allowance: Allowances,
    /// Takes any openid for a follower who has just written, as a load test needs whose customers exist nowhere.
    pub strangers: bool,
}

impl Default for WechatSettings {
    fn default() -> Self {
        Self {
            accounts: vec![Account::default(), Account::mini_program()],
            push_timeout: Duration::from_secs(5),
            push_attempts: 3,
            token_life: Duration::from_secs(7200),
            allowance: Allowances::default(),
            strangers: false,
        }
    }
}

/// How many customer messages which trigger allows, and for how long (WeChat notes, 4.3).
#[derive(Clone, Debug)]
pub struct Allowances {
    /// After a message by the customer.
    pub message: (u32, Duration),
    /// After a menu click, a follow or a scan.
    pub moment: (u32, Duration),
    /// After the service chat of a mini program was opened.
    pub enter: (u32, Duration),
}

impl Default for Allowances {
    fn default() -> Self {
        Self {
            message: (5, Duration::from_secs(48 * 3600)),
            moment: (3, Duration::from_secs(60)),
            enter: (2, Duration::from_secs(60)),
        }
    }
}

impl Allowances {
    /// Never used up, as for a load test.
    pub fn unlimited() -> Self {
        let always = Duration::from_secs(10 * 365 * 86_400);
        Self {
            message: (u32::MAX, always),
            moment: (u32::MAX, always),
            enter: (u32::MAX, always),
        }
    }
}

/// One official account or mini program.
#[derive(Clone, Debug)]
pub struct Account {
    /// The bridge's inbox: callbacks go to `/callback/{inbox}`.
    pub inbox: String,
    /// The name customers see.
    pub name: String,
    /// `wx…`
    pub app_id: String,
    /// `gh_…`, the account's id in messages.
    pub original_id: String,
    /// AppSecret.
    pub app_secret: String,
    /// The callback token.
    pub token: String,
    /// EncodingAESKey, 43 characters.
    pub encoding_aes_key: String,
    /// Whether callbacks are encrypted.
    pub mode: Mode,
    /// How callbacks are written.
    pub format: Format,
    /// The menu under the chat.
    pub menu: Vec<MenuEntry>,
    /// What makes it a mini program; none: it is an official account.
    pub mini: Option<MiniProgram>,
}

/// What a mini program has beside its service chat.
#[derive(Clone, Debug)]
pub struct MiniProgram {
    /// The pages that are published.
    pub pages: Vec<String>,
    /// Its subscription templates.
    pub templates: Vec<Template>,
}

/// A template of subscription messages.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Its fields and what stands before each.
    pub fields: Vec<(String, String)>,
}

impl Account {
    /// A mini program: the inbox `mini`, callbacks in JSON, one page, one template.
    pub fn mini_program() -> Self {
        let field = |name: &str, label: &str| (name.to_owned(), label.to_owned());
        Self {
            inbox: "mini".into(),
            name: "云杉小程序".into(),
            app_id: "wx8c1d6e4f2a7b9035".into(),
            original_id: "gh_7e2b90c4d1f8".into(),
            app_secret: "0f9e8d7c6b5a49382716051423324150".into(),
            token: "sandboxMiniTok".into(),
            encoding_aes_key: "Zt4Lw9Qe2Rp7Ym1Xk6Vc3Bn8Hd5Jg0Sf2Ua4Io6Pe1A".into(),
            mode: Mode::Safe,
            format: Format::Json,
            menu: Vec::new(),
            mini: Some(MiniProgram {
                pages: vec!["pages/kefu/index".into(), "pages/index/index".into()],
                templates: vec![Template {
                    id: "tplReplyReminder000000000000000000000000001".into(),
                    title: "客服回复提醒".into(),
                    fields: vec![
                        field("thing1", "客服"),
                        field("thing2", "内容"),
                        field("time3", "时间"),
                    ],
                }],
            }),
        }
    }
}

impl Default for Account {
    fn default() -> Self {
        let entry = |name: &str, action| MenuEntry {
            name: name.into(),
            action,
        };
        Self {
            inbox: "mall".into(),
            name: "云杉商城".into(),
            app_id: "wx5f2c9d7a1b3e8046".into(),
            original_id: "gh_3a7c51e90b2d".into(),
            app_secret: "5a4e0b1c9d8f7e6a5b4c3d2e1f0a9b8c".into(),
            token: "sandboxCallbackTok".into(),
            encoding_aes_key: "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Ml".into(),
            mode: Mode::Safe,
            format: Format::Xml,
            menu: vec![
                entry("在线客服", MenuAction::Click("KEFU".into())),
                entry("订单查询", MenuAction::Click("ORDER".into())),
                entry("商城首页", MenuAction::View("https://shop.example/".into())),
            ],
            mini: None,
        }
    }
}

/// How callbacks are secured (WeChat notes, 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 明文
    Plain,
    /// 兼容: both forms in one document.
    Compatible,
    /// 安全
    Safe,
}

impl Mode {
    /// The word used in configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Compatible => "compatible",
            Self::Safe => "safe",
        }
    }
}

/// How callbacks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The default of official accounts.
    Xml,
    /// Selectable, and usual for mini programs.
    Json,
}

impl Format {
    /// The word used in configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Json => "json",
        }
    }
}

/// A button under the chat.
#[derive(Clone, Debug)]
pub struct MenuEntry {
    /// What it says.
    pub name: String,
    /// What a tap does.
    pub action: MenuAction,
}

/// What a menu button does.
#[derive(Clone, Debug)]
pub enum MenuAction {
    /// Pushes CLICK with this key.
    Click(String),
    /// Opens this page and pushes VIEW.
    View(String),
}
