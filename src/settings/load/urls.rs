//! The URLs: of the store, the cache and the queue, and our own.

use bridge_core::store::StoreError;

use super::{
    super::{CacheSection, Fault, QueueSection, ServerSection, StorageSection},
    Reader,
};

impl Reader {
    pub(super) fn schemes(
        &mut self,
        storage: &StorageSection,
        cache: &CacheSection,
        queue: &QueueSection,
    ) {
        let known: [(_, _, &[&str], _); 3] = [
            (
                "storage.url",
                storage.url.expose(),
                &["sqlite", "postgres", "postgresql"],
                "sqlite://data/kefu.db",
            ),
            (
                "cache.url",
                cache.url.expose(),
                &["memory", "redis", "rediss"],
                "redis://127.0.0.1:6379/0",
            ),
            (
                "queue.url",
                queue.url.expose(),
                &["embedded", "amqp", "amqps"],
                "amqp://guest:guest@127.0.0.1:5672/%2f",
            ),
        ];
        for (path, url, schemes, example) in known {
            let given = url.split_once("://").map_or("", |(scheme, _)| scheme);
            if !schemes.contains(&given) {
                let there = schemes.join("://, ");
                let (zh, en) = match given {
                    "" => (
                        format!("要以 {there}:// 之一开头"),
                        format!("must begin with one of {there}://"),
                    ),
                    _ => (
                        format!("不支持 {given}://，可用：{there}://"),
                        format!("{given}:// is not known; there are {there}://"),
                    ),
                };
                self.fault(Fault::new(path, zh, en, example));
            } else if let Err(error) = readable(given, url) {
                // The URL itself may hold a password.
                let zh = format!("不是有效的地址：{error}");
                self.fault(Fault::new(path, zh, error, example));
            }
        }
        // RabbitMQ keeps "amq." for itself, and a name within 255 bytes.
        let exchange = &queue.exchange;
        if exchange.is_empty() || exchange.len() > 200 || exchange.starts_with("amq.") {
            let zh = "应为 1 到 200 字节，且不以 amq. 开头";
            let en = "must have 1 to 200 bytes and not begin with amq.";
            self.fault(Fault::new("queue.exchange", zh, en, "kefu.notices"));
        }
    }

    pub(super) fn public_url(&mut self, server: &ServerSection) {
        let good = url::Url::parse(&server.public_url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !good || server.public_url.ends_with('/') {
            let zh = "应为 http(s) 地址，末尾不带斜杠";
            let en = "must be an http(s) URL without a slash at the end";
            self.fault(Fault::new(
                "server.public_url",
                zh,
                en,
                "https://kefu.example.com",
            ));
        }
    }
}

/// Whether it is a URL as its server's own clients read it: PostgreSQL's may name several hosts.
fn readable(scheme: &str, url: &str) -> Result<(), String> {
    match scheme {
        "postgres" | "postgresql" => {
            bridge_store_postgres::readable(url).map_err(|error| match error {
                StoreError::Damaged(reason) => reason,
                other => other.to_string(),
            })
        }
        _ => url::Url::parse(url)
            .map(drop)
            .map_err(|error| error.to_string()),
    }
}
