//! Tokens and errors.

use std::time::Duration;

use serde_json::json;

use crate::kit::World;

#[tokio::test]
async fn tokens_are_given_to_the_right_secret_only() {
    let world = World::new();
    let account = world.sandbox.wechat().accounts().remove(0);
    let ask = async |grant: &str, app: &str, secret: &str| {
        let body = json!({"grant_type": grant, "appid": app, "secret": secret});
        world.post("/wechat/cgi-bin/stable_token", &body).await.1["errcode"].clone()
    };
    assert_eq!(
        ask("client_credential", &account.app_id, "wrong").await,
        40125
    );
    assert_eq!(
        ask("client_credential", "wx0", &account.app_secret).await,
        40013
    );
    assert_eq!(
        ask("authorization_code", &account.app_id, &account.app_secret).await,
        40002
    );
    let path = format!(
        "/wechat/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
        account.app_id, account.app_secret
    );
    assert_eq!(world.get(&path).await["expires_in"], 7200);
    assert_eq!(world.token().await, world.token().await);
}

#[tokio::test]
async fn a_token_expires_is_displaced_or_was_never_good() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("在吗").await;
    let token = world.token().await;
    assert_eq!(world.sends_text("", phone.openid(), "x").await, 41001);
    assert_eq!(world.sends_text("short", phone.openid(), "x").await, 40014);
    assert_eq!(
        world.sends_text(&"x".repeat(40), phone.openid(), "x").await,
        40001
    );
    assert_eq!(world.sends_text(&token, phone.openid(), "x").await, 0);
    world.sandbox.wechat().displace_tokens();
    assert_eq!(world.sends_text(&token, phone.openid(), "x").await, 40001);
    let second = world.token().await;
    assert_eq!(world.sends_text(&second, phone.openid(), "x").await, 0);
    world.hand.advance(Duration::from_secs(7200));
    assert_eq!(world.sends_text(&second, phone.openid(), "x").await, 42001);
}

#[tokio::test]
async fn errors_are_http_200_and_carry_a_rid() {
    let world = World::new();
    let url = format!(
        "{}/cgi-bin/message/custom/send",
        world.sandbox.wechat_base()
    );
    let answer = world.http.post(url).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain");
    let text = answer.text().await.unwrap();
    assert!(text.contains("rid: "), "{text}");
}
