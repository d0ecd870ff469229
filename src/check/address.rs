//! Whether platforms can find us: a request to `server.public_url` must come back here. Where no bridge runs, its port is
//! answered meanwhile, so that the whole way is seen: name, certificate, proxy, port.

use std::time::Duration;

use actix_web::{App, HttpServer, dev::ServerHandle};
use bridge_core::channel::{Bilingual, Finding};

use crate::{http::health, settings::ServerSection};

/// How long the way there and back may take; platforms wait five seconds (WeChat: message push, 1.1).
const WITHIN: Duration = Duration::from_secs(5);

/// What is found of `server.public_url`.
pub(super) async fn finding(server: &ServerSection) -> Finding {
    let answering = answer(server);
    let came = reached(&server.public_url).await;
    if let Some(answering) = answering {
        answering.stop(false).await;
    }
    let url = &server.public_url;
    match came {
        Ok(()) => Finding {
            ok: true,
            key: "server.public_url",
            what: Bilingual::new(
                format!("{url} 通到本服务"),
                format!("{url} leads to this bridge"),
            ),
            mend: Bilingual::default(),
        },
        Err(why) => Finding {
            ok: false,
            key: "server.public_url",
            what: Bilingual::new(
                format!("从本机访问 {url} 没有到达本服务：{why}"),
                format!("{url}, asked from here, does not lead to this bridge: {why}"),
            ),
            mend: Bilingual::new(
                format!(
                    "检查域名解析、证书和反向代理，后者应转发到 {}；平台按这个地址推送消息",
                    server.listen
                ),
                format!(
                    "look at the name's address, the certificate and the proxy, which is to pass on to {}; platforms push messages to this address",
                    server.listen
                ),
            ),
        },
    }
}

/// Answers at the bridge's own address, unless a bridge does.
fn answer(server: &ServerSection) -> Option<ServerHandle> {
    let bound = HttpServer::new(|| App::new().configure(health::alive))
        .workers(1)
        .disable_signals()
        .bind(server.listen)
        .ok()?;
    let running = bound.run();
    let handle = running.handle();
    tokio::spawn(running);
    Some(handle)
}

async fn reached(public_url: &str) -> Result<(), String> {
    let url = format!("{}/healthz", public_url.trim_end_matches('/'));
    let client = reqwest::Client::builder().timeout(WITHIN).build();
    let asked = match client {
        Ok(client) => client.get(&url).send().await,
        Err(error) => Err(error),
    };
    let answer = asked.map_err(|error| told(&error))?;
    let status = answer.status();
    match answer.text().await {
        Ok(body) if status.is_success() && body == health::ALIVE => Ok(()),
        Ok(_) => Err(format!("HTTP {}", status.as_u16())),
        Err(error) => Err(told(&error)),
    }
}

/// The error with what lies below it, where the reason is.
fn told(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        words = format!("{words}: {cause}");
        below = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    fn free() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    }

    fn server(listen: SocketAddr, public: SocketAddr) -> ServerSection {
        ServerSection {
            listen,
            public_url: format!("http://{public}"),
            ..ServerSection::default()
        }
    }

    #[tokio::test]
    async fn the_way_here_is_walked() {
        // Once per process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let here = free();
        assert!(finding(&server(here, here)).await.ok);
        let elsewhere = finding(&server(here, free())).await;
        assert!(!elsewhere.ok);
        assert!(elsewhere.mend.zh.contains(&here.to_string()));
        let _running = answer(&server(here, here)).unwrap();
        let beside = finding(&server(here, here)).await;
        assert!(beside.ok, "a bridge that runs answers itself");
    }
}
