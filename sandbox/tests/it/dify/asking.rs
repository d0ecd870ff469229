//! Questions: answered whole, checked, remembered, stopped.

use bridge_sandbox::dify::{Gate, Script};
use serde_json::{Value, json};

use crate::kit::{World, question};

#[tokio::test]
async fn blocking_gives_one_answer_but_not_to_agents() {
    let world = World::new();
    world.sandbox.dify().answers("好的");
    let answer: Value = world
        .dify("chat", &question("在吗", "blocking"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&answer["event"], &answer["answer"], &answer["mode"]),
        (&json!("message"), &json!("好的"), &json!("chat"))
    );
    let refused = world.dify("agent", &question("在吗", "blocking")).await;
    assert_eq!(refused.status(), 400);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(
        body["message"],
        "Agent Chat App does not support blocking mode"
    );
    world
        .sandbox
        .dify()
        .script(Script::new().fails("completion_request_error", 400, "no model"));
    let failed = world.dify("chat", &question("在吗", "blocking")).await;
    assert_eq!(failed.status(), 400);
}

#[tokio::test]
async fn questions_are_checked_as_recorded() {
    let world = World::new();
    let refuse = async |change: Value| {
        let mut body = question("在吗", "blocking");
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = world.dify("chat", &body).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (
            status,
            body["code"].as_str().unwrap().to_owned(),
            body["message"].as_str().unwrap().to_owned(),
        )
    };
    let invalid = |message: &str| (400, "invalid_param".to_owned(), message.to_owned());
    assert_eq!(
        refuse(json!({"user": null})).await,
        invalid("Arg user must be provided.")
    );
    assert_eq!(
        refuse(json!({"query": ""})).await,
        invalid("query is required")
    );
    assert_eq!(refuse(json!({"inputs": null})).await.0, 400);
    assert_eq!(
        refuse(json!({"conversation_id": "not-a-uuid"})).await,
        invalid("conversation_id must be a valid UUID")
    );
    let unknown = refuse(json!({"conversation_id": "0ce1372a-1e00-4b5b-af6c-918aaca74d03"})).await;
    assert_eq!(
        unknown,
        (404, "not_found".into(), "Conversation Not Exists.".into())
    );
    assert_eq!(refuse(json!({"files": [{"type": "image", "transfer_method": "local_file", "upload_file_id": "x"}]})).await, invalid("Invalid upload file"));
    let unauthorized = world.dify("nobody", &question("在吗", "blocking")).await;
    assert_eq!(unauthorized.status(), 401);
    assert_eq!(
        unauthorized.headers()["www-authenticate"],
        "Bearer realm=\"api\""
    );
    assert_eq!(
        world
            .http
            .get(format!("{}/nope", world.sandbox.dify_base()))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn a_conversation_belongs_to_its_user_and_remembers() {
    let world = World::new();
    let ask = async |query: &str, user: &str, id: &str| {
        let mut body = question(query, "blocking");
        body["user"] = user.into();
        body["conversation_id"] = id.into();
        world
            .dify("chat", &body)
            .await
            .json::<Value>()
            .await
            .unwrap()
    };
    let first = ask("我叫小周", "u1", "").await;
    let id = first["conversation_id"].as_str().unwrap();
    let second = ask("可以退货吗", "u1", id).await;
    assert!(
        second["answer"].as_str().unwrap().starts_with("小周，"),
        "{second}"
    );
    assert_eq!(ask("可以退货吗", "u2", id).await["code"], "not_found");
    let url = format!(
        "{}/messages?conversation_id={id}&user=u1",
        world.sandbox.dify_base()
    );
    let turns: Value = world
        .http
        .get(url)
        .bearer_auth("app-sandbox-chat")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (
            turns["data"][0]["query"].as_str(),
            turns["data"].as_array().unwrap().len()
        ),
        (Some("可以退货吗"), 2)
    );
    world.sandbox.dify().forgets_conversations();
    assert_eq!(ask("在吗", "u1", id).await["code"], "not_found");
}

#[tokio::test]
async fn the_assistant_hands_over_with_the_mark() {
    let world = World::with(|settings| settings.dify.hand_off_mark = "<<HUMAN>>".into());
    let answer: Value = world
        .dify("chatflow", &question("转人工", "blocking"))
        .await
        .json()
        .await
        .unwrap();
    assert!(
        answer["answer"].as_str().unwrap().ends_with("<<HUMAN>>"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_run_is_stopped_by_its_own_user_only() {
    let world = World::new();
    world.sandbox.dify().script(
        Script::new()
            .says("请稍等")
            .holds(&Gate::closed())
            .says("不该说到这里"),
    );
    let response = tokio::spawn(
        world
            .dify("chat", &question("慢慢来", "streaming"))
            .await
            .bytes(),
    );
    let asked = world.sandbox.dify().is_asked().await.unwrap();
    let stop = async |user: &str| {
        let url = format!(
            "{}/chat-messages/{}/stop",
            world.sandbox.dify_base(),
            asked.task_id
        );
        let request = world
            .http
            .post(url)
            .bearer_auth("app-sandbox-chat")
            .json(&json!({"user": user}));
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    assert_eq!(stop("somebody else").await["result"], "success");
    assert!(world.sandbox.dify().stopped().is_empty());
    assert_eq!(stop("u1").await["result"], "success");
    let body = response.await.unwrap().unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(
        text.contains("message_end") && !text.contains("不该"),
        "{text}"
    );
    assert_eq!(world.sandbox.dify().stopped(), [asked.task_id]);
}
