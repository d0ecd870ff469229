//! Every vector and sample of the protocol notes, and what strangers may send.

mod reading;
mod sealing;
mod writing;

const TOKEN: &str = "kefuBridgeTok01";

const APP_ID: &str = "wx5f2c9d7a1b3e8046";

const KEY_A: &str = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Mk";

const KEY_B: &str = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Ml";

const OTHER: &str = "Zt4Lw9Qe2Rp7Ym1Xk6Vc3Bn8Hd5Jg0Sf2Ua4Io6Pe1A";

const VECTORS: &str = include_str!("../../../../tests/fixtures/wechat/vectors.jsonl");

const CALLBACKS: &str = include_str!("../../../../tests/fixtures/wechat/callbacks.txt");

fn vectors() -> Vec<serde_json::Value> {
    VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn plain_of(vector: &serde_json::Value) -> Option<String> {
    if let Some(plain) = vector["plain"].as_str() {
        return Some(plain.to_owned());
    }
    let content = vector["C"].as_str()?;
    Some(format!(
        "<xml><ToUserName><![CDATA[gh_3a7c51e90b2d]]></ToUserName><FromUserName><![CDATA[oKefu0x9f8e7d6c5b4a3928171]]></FromUserName><CreateTime>1735689600</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content><MsgId>25373744922163388</MsgId></xml>"
    ))
}
