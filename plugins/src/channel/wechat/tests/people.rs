//! Who a contact is: asked of the platform where the account is bound, and never where it is not said to be.

use bridge_core::{
    channel::Channel,
    message::{Handle, PeerId, Profile},
};
use bridge_sandbox::wechat::NewCustomer;
use serde_json::json;

use super::Stage;

#[tokio::test]
async fn the_unionid_is_asked_for_where_the_account_is_bound() {
    let stage = Stage::with(|_| {}, |section| section["unionid"] = json!(true));
    let people = stage.account.people().unwrap();
    let follower = |unionid: Option<&str>, following| {
        let customer = NewCustomer {
            nickname: "小周".into(),
            following,
            unionid: unionid.map(str::to_owned),
            ..NewCustomer::default()
        };
        let phone = stage.sandbox.wechat().add_customer(customer).unwrap();
        PeerId::new(phone.openid())
    };
    let bound = people
        .person(&follower(Some("u-zhou"), true))
        .await
        .unwrap();
    assert_eq!(bound.handles, [Handle::union_id("u-zhou").unwrap()]);
    assert_eq!(bound.name, None, "names are not told any more");
    // Bound to nothing, or gone: nothing is told, and that is no failure.
    let none = people.person(&follower(None, true)).await.unwrap();
    assert_eq!(none, Profile::default());
    let gone = people.person(&follower(Some("u-li"), false)).await.unwrap();
    assert_eq!(gone, Profile::default());
    let refused = people.person(&PeerId::new("o-nobody")).await.unwrap_err();
    assert_eq!(refused.code, Some(40003));
}

#[tokio::test]
async fn an_account_that_is_not_said_to_be_bound_asks_nothing() {
    let stage = Stage::new();
    assert!(stage.account.people().is_none());
    stage.phone().await;
    assert_eq!(stage.asked("user/info"), 0);
}
