//! WeChat KF: pages and messages that go wrong to order, and what is refused.

use bridge_sandbox::kf::KfPhone;
use serde_json::{Value, json};

use crate::kit::World;

/// A world with a token of KF's and a customer.
struct Counter {
    world: World,
    token: String,
    phone: KfPhone,
}

impl Counter {
    async fn open() -> Self {
        let world = World::new();
        let kf = world.sandbox.kf().settings();
        let path = format!(
            "/kf/cgi-bin/gettoken?corpid={}&corpsecret={}",
            kf.corp_id, kf.secret
        );
        let token = world.get(&path).await["access_token"].clone();
        let token = token.as_str().unwrap().to_owned();
        let phone = world.sandbox.kf().phone("小周");
        Self {
            world,
            token,
            phone,
        }
    }

    async fn calls(&self, api: &str, mut body: Value) -> Value {
        body["open_kfid"] = self.world.sandbox.kf().settings().open_kfid.clone().into();
        let path = format!("/kf/cgi-bin/kf/{api}?access_token={}", self.token);
        self.world.post(&path, &body).await.1
    }

    /// A page after a cursor: its cursor, whether there is more, its words.
    async fn page(&self, cursor: &Value) -> (Value, i64, Vec<String>) {
        let mut body = json!({"limit": 1000});
        if !cursor.is_null() {
            body["cursor"] = cursor.clone();
        }
        let page = self.calls("sync_msg", body).await;
        let rows = page["msg_list"].as_array().unwrap().iter();
        let words = rows.map(|row| row["text"]["content"].as_str().unwrap().to_owned());
        let more = page["has_more"].as_i64().unwrap();
        (page["next_cursor"].clone(), more, words.collect())
    }
}

#[tokio::test]
async fn pages_are_empty_short_or_begin_too_early_to_order() {
    let counter = Counter::open().await;
    for text in ["一", "二", "三"] {
        counter.phone.says(text).await;
    }
    let order = "kf.sync=emptyx1,kf.sync=page:2x1,kf.sync=replay:1x1";
    counter.world.sandbox.order(order).unwrap();
    let (cursor, more, words) = counter.page(&Value::Null).await;
    assert_eq!(
        (more, words.len()),
        (1, 0),
        "nothing in it, and not the last"
    );
    let (cursor, more, words) = counter.page(&cursor).await;
    assert_eq!((more, words), (1, vec!["一".to_owned(), "二".to_owned()]));
    let (cursor, more, words) = counter.page(&cursor).await;
    assert_eq!((more, words), (0, vec!["二".to_owned(), "三".to_owned()]));
    assert_eq!(counter.page(&cursor).await.2.len(), 0);
}

#[tokio::test]
async fn a_message_is_taken_and_fails_afterwards() {
    let counter = Counter::open().await;
    counter.phone.says("在吗").await;
    counter.world.sandbox.order("kf.send=fail:10x1").unwrap();
    let body = json!({"touser": counter.phone.id(), "msgid": "kb-1", "msgtype": "text", "text": {"content": "在的"}});
    assert_eq!(counter.calls("send_msg", body.clone()).await["errcode"], 0);
    let shown = counter.phone.chat();
    assert!(shown.iter().all(|one| one.text() != "在的"), "never shown");
    let rows = counter.calls("sync_msg", json!({})).await;
    let failed = rows["msg_list"].as_array().unwrap().last().unwrap()["event"].clone();
    assert_eq!(
        (
            &failed["event_type"],
            &failed["fail_msgid"],
            &failed["fail_type"]
        ),
        (&json!("msg_send_fail"), &json!("kb-1"), &json!(10))
    );
    let again = counter.calls("send_msg", body).await;
    assert_eq!(again["errcode"], 40058, "an id is used once");
}

#[tokio::test]
async fn what_the_customer_has_not_allowed_is_refused() {
    let counter = Counter::open().await;
    let send = async |text: &str| {
        let body =
            json!({"touser": counter.phone.id(), "msgtype": "text", "text": {"content": text}});
        counter.calls("send_msg", body).await["errcode"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(send("还没有人写过").await, 95018);
    counter.phone.says("在吗").await;
    for _ in 0..5 {
        assert_eq!(send("在的").await, 0);
    }
    assert_eq!(send("第六条").await, 95001);
    counter.phone.says("还在吗").await;
    counter
        .world
        .hand
        .advance(std::time::Duration::from_secs(48 * 3600 + 1));
    assert_eq!(send("令牌也过期了").await, 40014);
}
