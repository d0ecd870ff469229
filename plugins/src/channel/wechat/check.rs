//! What `kefu-bridge check` tries on a real official account.

use async_trait::async_trait;
use bridge_core::channel::{Check, Finding};

use super::{super::wechat_platform::Console, WeChat};

const CONSOLE: Console = Console {
    server: (
        "公众号后台「设置与开发 → 基本配置」",
        "the account's console",
    ),
    secret: ("公众号后台「设置与开发 → 基本配置」", "the console"),
    allow_list: (
        "公众号后台「基本配置 → IP 白名单」",
        "the account's allow-list",
    ),
};

#[async_trait]
impl Check for WeChat {
    async fn check(&self) -> Vec<Finding> {
        self.account.findings(&CONSOLE).await
    }
}
