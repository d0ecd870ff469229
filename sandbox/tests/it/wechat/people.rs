//! Users, codes and addresses.

use serde_json::json;

use crate::kit::World;

#[tokio::test]
async fn users_and_codes_and_addresses() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    let token = world.token().await;
    let info = world
        .get(&format!(
            "/wechat/cgi-bin/user/info?access_token={token}&openid={}",
            phone.openid()
        ))
        .await;
    assert_eq!(
        (info["subscribe"].as_i64(), info.get("nickname")),
        (Some(1), None)
    );
    let scene = json!({"expire_seconds": 604800, "action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "agent:system"}}});
    let code = world.wechat(&token, "qrcode/create", &scene).await;
    let ticket = code["ticket"].as_str().unwrap();
    assert_eq!(
        world.sandbox.wechat().scene_of(ticket).as_deref(),
        Some("agent:system")
    );
    let wrong =
        json!({"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": 100001}}});
    assert_eq!(
        world.wechat(&token, "qrcode/create", &wrong).await["errcode"],
        40053
    );
    let ips = world
        .get(&format!(
            "/wechat/cgi-bin/getcallbackip?access_token={token}"
        ))
        .await;
    assert!(ips["ip_list"].is_array());
    assert_eq!(world.post("/wechat/cgi-bin/nope", &json!({})).await.0, 404);
    assert_eq!(
        world
            .get(&format!(
                "/wechat/cgi-bin/message/custom/send?access_token={token}"
            ))
            .await["errcode"],
        43002
    );
}
