//! The `[inboxes.NAME]` section of a Tencent IM application.

use bridge_core::plugin::BuildError;
use bridge_core::secret::Secret;
use bridge_core::settings::Span;
use url::Url;

/// 腾讯云 IM，客服工作的地方 / A Tencent IM application.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// 应用的 SDKAppID / The application's SDKAppID.
    pub sdk_app_id: u64,
    /// 应用的密钥，在控制台查看 / The application's secret key, as the console shows it.
    pub secret_key: Secret,
    /// 管理员账号，所有调用以它的名义 / An administrator account of the application; every call is made in its name.
    #[serde(default = "admin")]
    pub admin: String,
    /// 控制台回调配置里的鉴权 Token；留空则不校验，知道回调地址的人都能冒充客服 /
    /// The authentication token of the console's callback configuration, against which `Sign` is checked. Empty: not
    /// checked, and anybody who knows the callback URL can speak for an agent.
    #[serde(default)]
    pub callback_token: Secret,
    /// 回调时间与本机时钟最多相差多少 / How far a callback's `RequestTime` may be from this machine's clock.
    #[serde(default = "callback_window")]
    pub callback_window: Span,
    /// 服务端接口地址，按应用所在地域填写 /
    /// The server API: the host of the application's region, such as `https://adminapisgp.im.qcloud.com`.
    #[serde(default = "api_base")]
    pub api_base: String,
    /// 一次调用的最长时间，应长于平台自己的 3 秒 /
    /// How long one call may take. The service itself gives up after 3s; wait longer than that.
    #[serde(default = "timeout")]
    pub timeout: Span,
    /// 所有节点合计每秒调用次数，平台上限 200；0 为不限 /
    /// How many calls a second all nodes together may make, for the service refuses more than 200 of an application;
    /// bursts of a ninth of this come on top. `0`: no limit.
    #[serde(default = "api_rate")]
    pub api_rate: u32,
    /// UserSig 的有效期，过半即更新 /
    /// How long a UserSig of ours is good for; it is renewed when half of that is over.
    #[serde(default = "usersig_lifetime")]
    pub usersig_lifetime: Span,
    /// 多久查一次进行中会话的历史，找回丢失的回调；0s 为不查 /
    /// How often the history of open conversations is searched for messages whose callback was lost; `0s`: never.
    #[serde(default = "history_every")]
    pub history_every: Span,
    /// 每次最多查多少个会话，其余轮到下次 /
    /// At most so many conversations are searched each time; the others have their turn next.
    #[serde(default = "history_threads")]
    pub history_threads: usize,
    /// 客户端已关闭但仍能收到推送的客服是否算在线 /
    /// Whether an agent whose client is closed, but who is still reached by push notifications, counts as online.
    #[serde(default)]
    pub push_counts_as_online: bool,
    /// 是否另有后台以客服的名义发消息，有则一并收下 /
    /// Whether another backend of yours speaks for agents through the server API: then such messages are taken in
    /// too. Ours are recognised either way.
    #[serde(default)]
    pub other_backends: bool,
}

fn admin() -> String {
    "administrator".to_owned()
}

fn api_base() -> String {
    "https://console.tim.qq.com".to_owned()
}

const fn callback_window() -> Span {
    Span::secs(300)
}

const fn timeout() -> Span {
    Span::secs(5)
}

const fn api_rate() -> u32 {
    180
}

const fn usersig_lifetime() -> Span {
    Span::secs(7 * 24 * 3600)
}

const fn history_every() -> Span {
    Span::secs(60)
}

const fn history_threads() -> usize {
    300
}

/// More than anybody is allowed; less than a microsecond a call.
const API_RATE: u32 = 100_000;

/// The longest UserID, in bytes.
const USER_ID: usize = 32;

impl Config {
    /// What the types cannot say.
    pub(super) fn validate(&self) -> Result<(), BuildError> {
        self.validate_identity()?;
        self.validate_base()?;
        let at_least = |key, span: Span, seconds: u64, example| match span.0.as_secs() < seconds {
            true => Err(
                BuildError::new(key, format!("must be {seconds}s or more"), example)
                    .zh(format!("不能短于 {seconds}s")),
            ),
            false => Ok(()),
        };
        at_least("callback_window", self.callback_window, 1, "300s")?;
        at_least("usersig_lifetime", self.usersig_lifetime, 60, "7d")?;
        if self.timeout.0.is_zero() {
            return Err(
                BuildError::new("timeout", "must be longer than nothing", "5s").zh("不能为 0"),
            );
        }
        if self.api_rate > API_RATE {
            let what = format!("must be at most {API_RATE}; 0 means no limit");
            return Err(BuildError::new("api_rate", what, "180")
                .zh(format!("不能大于 {API_RATE}；0 表示不限")));
        }
        if self.history_threads == 0 {
            let what = "must be 1 or more; to switch the search off set history_every = \"0s\"";
            return Err(BuildError::new("history_threads", what, "300")
                .zh("不能为 0；要关闭请设置 history_every = \"0s\""));
        }
        Ok(())
    }

    fn validate_identity(&self) -> Result<(), BuildError> {
        if self.sdk_app_id == 0 {
            return Err(BuildError::new(
                "sdk_app_id",
                "is missing: the console shows it beside the application",
                "1400000000",
            )
            .zh("未填写：控制台应用列表里的 SDKAppID"));
        }
        let key = self.secret_key.expose();
        let example = "64 hexadecimal digits";
        if key.is_empty() {
            return Err(BuildError::new("secret_key", "is missing", example).zh("未填写"));
        }
        if key.contains("-----BEGIN") {
            let what = "is a private key of the first generation; create an HMAC key in the console (Application > Basic information)";
            return Err(BuildError::new("secret_key", what, example)
                .zh("是第一代的 ECDSA 私钥，请在控制台换成 HMAC 密钥"));
        }
        if key.contains(char::is_whitespace) {
            let what = "contains white space: it was copied with a blank or a line break";
            return Err(
                BuildError::new("secret_key", what, example).zh("含有空白字符，请检查复制是否完整")
            );
        }
        if self.admin.is_empty() || self.admin.len() > USER_ID {
            let what = format!("must be a UserID of 1 to {USER_ID} bytes");
            return Err(BuildError::new("admin", what, "administrator")
                .zh(format!("应为 1 到 {USER_ID} 字节的 UserID")));
        }
        Ok(())
    }

    fn validate_base(&self) -> Result<(), BuildError> {
        let wrong =
            |what: &str, zh: &str| Err(BuildError::new("api_base", what, api_base()).zh(zh));
        let Ok(url) = Url::parse(&self.api_base) else {
            return wrong("is not a URL", "不是有效的 URL");
        };
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return wrong(
                "must begin with https:// and name a host",
                "应以 https:// 开头并包含主机名",
            );
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return wrong(
                "must be a scheme and a host, nothing after it",
                "只需协议和主机名",
            );
        }
        if url.path().contains("/v4") {
            return wrong("must end before /v4", "不要包含 /v4");
        }
        Ok(())
    }
}
