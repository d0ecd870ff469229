//! The platforms' ends: WeChat and Tencent IM, as little of them as the bridge needs, and what they heard.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use tokio::sync::{Mutex, Notify};

use super::LAST;
use crate::floors::free_port;

/// What the platforms received.
#[derive(Default)]
pub struct Heard {
    /// By contact: the numbers, in order of arrival.
    pub(super) by_contact: HashMap<usize, Vec<u64>>,
    /// When each was heard.
    pub(super) times: HashMap<(usize, u64), Instant>,
    /// The names of sends: a repeat carries the same, and a platform takes it once. This one keeps no history that the bridge
    /// could look into before it repeats.
    pub(super) names: HashSet<(String, u64, u64)>,
    pub(super) repeats: usize,
    /// What somebody said who came last, in this run or in one before that was killed.
    pub(super) last: HashSet<u64>,
    /// Stand-ins that said something to an agent, and contacts that were told something.
    pub(super) shown: HashSet<String>,
    pub(super) told: HashSet<String>,
}

/// The platforms' ends.
#[derive(Default)]
pub struct Desk {
    pub(super) heard: Mutex<Heard>,
    changed: Notify,
}

impl Desk {
    pub(super) async fn hear(&self, note: impl FnOnce(&mut Heard)) {
        note(&mut *self.heard.lock().await);
        self.changed.notify_waiters();
    }

    /// Waits until it heard what is wanted; whether it did within the time.
    pub(super) async fn until(&self, patience: Duration, wanted: impl Fn(&Heard) -> bool) -> bool {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            // Made before the look: what comes meanwhile is not missed.
            let change = self.changed.notified();
            if wanted(&*self.heard.lock().await) {
                return true;
            }
            if tokio::time::timeout_at(deadline, change).await.is_err() {
                return false;
            }
        }
    }
}

/// WeChat and Tencent IM, as little of them as the bridge needs.
pub fn play(slow: u64) -> anyhow::Result<(Arc<Desk>, SocketAddr)> {
    let desk = Arc::new(Desk::default());
    let (seen, port) = (desk.clone(), free_port()?);
    let server = HttpServer::new(move || {
        let (at_desk, at_phone) = (seen.clone(), seen.clone());
        App::new()
            .app_data(web::PayloadConfig::new(1 << 20))
            .route(
                "/wechat/cgi-bin/stable_token",
                web::post().to(async || json(r#"{"access_token":"t","expires_in":7200}"#)),
            )
            .route(
                "/wechat/cgi-bin/message/custom/send",
                web::post().to(move |body: web::Bytes| tell(at_phone.clone(), body)),
            )
            .route(
                "/tim/v4/openim/sendmsg",
                web::post().to(move |body: web::Bytes| hear(at_desk.clone(), body, slow)),
            )
            // Asked before a send is repeated: what was heard is not kept, so it is sent again.
            .route("/tim/v4/openim/admin_getroammsg", web::post().to(async || json(r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","Complete":1,"MsgCnt":0,"LastMsgTime":0,"LastMsgKey":"","MsgList":[]}"#)))
            .default_service(web::to(async || fine()))
    });
    let server = server
        .workers(2)
        .disable_signals()
        .bind(("127.0.0.1", port))?
        .run();
    tokio::spawn(server);
    Ok((desk, SocketAddr::from(([127, 0, 0, 1], port))))
}

async fn tell(desk: Arc<Desk>, body: web::Bytes) -> HttpResponse {
    let value: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let contact = value["touser"].as_str().unwrap_or_default().to_owned();
    desk.hear(|heard| {
        heard.told.insert(contact);
    })
    .await;
    fine()
}

async fn hear(desk: Arc<Desk>, body: web::Bytes, slow: u64) -> HttpResponse {
    let at = Instant::now();
    let value: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = value["MsgBody"][0]["MsgContent"]["Text"]
        .as_str()
        .unwrap_or_default();
    let numbers = text
        .strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'))
        .and_then(|text| text.split_once(':'))
        .and_then(|(contact, number)| Some((contact.parse().ok()?, number.parse().ok()?)));
    let peer = value["From_Account"].as_str().unwrap_or_default();
    let number = |name: &str| value[name].as_u64().unwrap_or_default();
    let name = (peer.to_owned(), number("MsgSeq"), number("MsgRandom"));
    desk.hear(|heard| match numbers {
        _ if !heard.names.insert(name) => heard.repeats += 1,
        Some((LAST, number)) => {
            heard.last.insert(number);
        }
        Some((contact, number)) => {
            heard.by_contact.entry(contact).or_default().push(number);
            heard.times.entry((contact, number)).or_insert(at);
        }
        None => {
            heard.shown.insert(peer.to_owned());
        }
    })
    .await;
    if slow > 0 {
        actix_web::rt::time::sleep(Duration::from_millis(slow)).await;
    }
    json(
        r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"MsgTime":1700000005,"MsgKey":"1_2_1700000005"}"#,
    )
}

fn fine() -> HttpResponse {
    json(
        r#"{"errcode":0,"errmsg":"ok","ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","QueryResult":[]}"#,
    )
}

fn json(body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(body)
}
