//! What can be wrong with a site before anybody visits it.

use async_trait::async_trait;
use bridge_core::channel::{Bilingual, Check, Finding};
use url::{Host, Url};

use super::Web;

#[async_trait]
impl Check for Web {
    async fn check(&self) -> Vec<Finding> {
        let address = Url::parse(&self.public_url).ok();
        let is_local = address.as_ref().is_some_and(|url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        });
        let is_secure = address.is_some_and(|url| url.scheme() == "https");
        let page = format!("{}/web/{}/", self.public_url, self.desk.inbox);
        let reach = match is_secure || is_local {
            true => Finding {
                ok: true,
                key: "public_url",
                what: Bilingual::new(format!("页面地址 {page}"), format!("the page is {page}")),
                mend: Bilingual::default(),
            },
            false => Finding {
                ok: false,
                key: "public_url",
                what: Bilingual::new(
                    format!("页面地址 {page} 不是 https，浏览器不允许录音，https 的网站也无法嵌入"),
                    format!(
                        "the page is {page}: without https browsers allow no recording, and no site with https can embed it"
                    ),
                ),
                mend: Bilingual::new(
                    "在前面放 HTTPS 反向代理，并把 server.public_url 改为 https 地址",
                    "put an HTTPS proxy in front and make server.public_url its address",
                ),
            },
        };
        let sites = match self.origins.is_empty() {
            true => Bilingual::new(
                "没有列出网站：只能打开独立页面，不能嵌入",
                "no site is named: the page can be opened, and embedded nowhere",
            ),
            false => Bilingual::new(
                format!("可以嵌入：{}", self.origins.join("、")),
                format!("may be embedded by {}", self.origins.join(", ")),
            ),
        };
        let sites = Finding {
            ok: true,
            key: "origins",
            what: sites,
            mend: Bilingual::default(),
        };
        vec![reach, sites]
    }
}
