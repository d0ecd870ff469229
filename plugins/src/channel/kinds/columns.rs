//! The channels, each with its own convertor and its capabilities: a new channel is one more function here.

use std::collections::{BTreeMap, BTreeSet};

use bridge_convertors::{
    tencent_im::{self, body::Element, convert::TencentIm},
    wechat::{Fields, MiniApp, WeChat, Wire},
    wecom::{
        app::{self, App},
        kf::Kf,
    },
};
use bridge_core::{
    channel::{Capabilities, Channel},
    convert::{ConvertError, Convertor, Loss},
    message::{Content, ContentKind, Hosted},
    plugin::{Plugin, Tools},
    texts::Locale,
};
use serde_json::{Value, json};

use super::{
    super::{web, wechat::WeChat as OfficialAccount, wechat_kf, wechat_miniapp, wecom},
    APP_ID, Column, KINDS, Outcome, inbox,
    sample::{hosted, sample},
};

pub(super) fn columns() -> Vec<Column> {
    vec![
        wechat(),
        mini_program(),
        kf(),
        wecom_app(),
        web_page(),
        tencent_im_desk(),
    ]
}

fn built<C: Channel + Plugin>(config: Value) -> C {
    let config: C::Config = serde_json::from_value(config).unwrap();
    let tools = Tools {
        name: "here".into(),
        ..bridge_core::testkit::tools()
    };
    C::build(config, &tools).unwrap()
}

fn wechat() -> Column {
    let words = WeChat {
        inbox: inbox(),
        locale: Locale::Zh,
    };
    let channel: OfficialAccount = built(json!({
        "app_id": "wx5f2c9d7a1b3e8046", "app_secret": "s", "token": "t0ken", "mode": "plain",
    }));
    let samples = pushes()
        .into_iter()
        .filter(|fields| !of_a_mini_program_only(fields));
    Column {
        name: "wechat",
        reads: reads(
            samples.map(|fields| (platform_kind(&fields), words.read(&Wire::Callback(fields)))),
        ),
        writes: writes(channel.capabilities(), |content, within| {
            let all = match content {
                Content::Hosted { .. } => [Hosted::Article, Hosted::News, Hosted::Coupon]
                    .map(hosted)
                    .to_vec(),
                other => vec![other.clone()],
            };
            let (mut parts, mut lost) = (Vec::new(), Vec::new());
            for content in all {
                let written = words.write(&content, within)?;
                parts.extend(written.parts);
                lost.extend(written.lost);
            }
            Ok((kinds_of(&parts), lost))
        }),
    }
}

fn mini_program() -> Column {
    let words = MiniApp {
        locale: Locale::Zh,
        inbox: inbox(),
        app_id: APP_ID.to_owned(),
    };
    let channel: wechat_miniapp::MiniApp = built(json!({
        "app_id": APP_ID, "app_secret": "s", "token": "t0ken", "mode": "plain",
        "nudge": { "template": "t", "fields": { "thing1": "{summary}" } },
    }));
    let samples = pushes().into_iter().filter(of_a_mini_program);
    let mut writes = writes(channel.capabilities(), |content, within| {
        words
            .write(content, within)
            .map(|written| (kinds_of(&written.parts), written.lost))
    });
    // Nudges go by another call than the chat's messages.
    writes.insert(
        ContentKind::Nudge,
        Ok(("subscribe/send".to_owned(), Vec::new())),
    );
    Column {
        name: "wechat-miniapp",
        reads: reads(
            samples.map(|fields| (platform_kind(&fields), words.read(&Wire::Callback(fields)))),
        ),
        writes,
    }
}

fn kf() -> Column {
    let words = Kf { inbox: inbox() };
    let channel: wechat_kf::Kf = built(json!({
        "corp_id": "ww1234567890", "secret": "s", "token": "t0ken",
        "encoding_aes_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "accounts": ["wk1"],
    }));
    let rows = include_str!("../../../../tests/fixtures/wecom/kf_rows.txt").lines();
    let rows = rows
        .map(|line| serde_json::from_str::<Value>(&line[line.find(": {").unwrap() + 2..]).unwrap());
    let read = rows.map(|row| {
        let event = row["event"]["event_type"].as_str();
        let kind = event
            .or(row["msgtype"].as_str())
            .unwrap_or_default()
            .to_owned();
        (kind, words.read(&row))
    });
    Column {
        name: "wechat-kf",
        reads: reads(read),
        writes: writes(channel.capabilities(), |content, within| {
            let written = words.write(content, within)?;
            let kinds = written
                .parts
                .iter()
                .filter_map(|part| part["msgtype"].as_str());
            Ok((joined(kinds), written.lost))
        }),
    }
}

fn wecom_app() -> Column {
    let words = App { inbox: inbox() };
    let channel: wecom::Wecom = built(json!({
        "corp_id": "ww1234567890", "agent_id": 1_000_017, "secret": "s", "token": "t0ken",
        "encoding_aes_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    }));
    let lines = include_str!("../../../../tests/fixtures/wecom/app_messages.txt").lines();
    let pushes = lines.map(|line| Fields::read(&line.as_bytes()[line.find("<xml>").unwrap()..]));
    let read = pushes.map(|fields| {
        let fields = fields.unwrap();
        (
            platform_kind(&fields),
            words.read(&app::Wire::Heard(fields)),
        )
    });
    Column {
        name: "wecom",
        reads: reads(read),
        writes: writes(channel.capabilities(), |content, within| {
            let written = words.write(content, within)?;
            let kinds = written.parts.iter().filter_map(|part| match part {
                app::Wire::Said(body) => body["msgtype"].as_str(),
                app::Wire::Heard(_) => None,
            });
            Ok((joined(kinds), written.lost))
        }),
    }
}

/// The page shows the transcript itself: nothing is translated but what it has no element for.
fn web_page() -> Column {
    let said = web::reads()
        .into_iter()
        .map(|(word, content)| (word.to_owned(), Ok(vec![content])));
    Column {
        name: "web",
        reads: reads(said),
        writes: KINDS
            .into_iter()
            .map(|kind| {
                let content = sample(kind, true);
                let shown = web::shown(&content);
                let word = shown["kind"].as_str().unwrap_or_default().to_owned();
                let own = serde_json::to_value(kind).unwrap();
                let what = match word.as_str() {
                    "link" => "shown as a link",
                    _ => "shown as text",
                };
                let lost = match own == word.as_str() || kind == ContentKind::Choice {
                    true => Vec::new(),
                    false => vec![Loss::new(kind, what)],
                };
                (kind, Ok((word, lost)))
            })
            .collect(),
    }
}

fn tencent_im_desk() -> Column {
    let words = TencentIm {
        inbox: inbox(),
        locale: Locale::Zh,
    };
    let elements: Vec<Element<'static>> = serde_json::from_str(include_str!(
        "../../../../tests/fixtures/tencent_im/elements.json"
    ))
    .unwrap();
    let read = elements.into_iter().map(|element| {
        let kind = element.msg_type().to_owned();
        (kind, words.read(&vec![element]))
    });
    Column {
        name: "tencent-im",
        reads: reads(read),
        writes: writes(&tencent_im::convert::capabilities(), |content, within| {
            let written = words.write(content, within)?;
            let kinds = written.parts.iter().flatten().map(Element::msg_type);
            Ok((joined(kinds), written.lost))
        }),
    }
}

/// The pushes of the protocol notes.
fn pushes() -> Vec<Fields> {
    let text = include_str!("../../../../tests/fixtures/wechat/callbacks.txt");
    let mut bodies: Vec<String> = Vec::new();
    for line in text.lines() {
        match line.starts_with("<xml>") || line.starts_with('{') {
            true => bodies.push(line.to_owned()),
            // A line break inside a message.
            false => match bodies.last_mut() {
                Some(body) => body.push_str(&format!("\n{line}")),
                None => panic!("{line}"),
            },
        }
    }
    let read = |body: &String| {
        Fields::read(body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"))
    };
    bodies.iter().map(read).collect()
}

fn platform_kind(fields: &Fields) -> String {
    let kind = fields.get("Event").or(fields.get("MsgType"));
    kind.unwrap_or_default().to_lowercase()
}

/// The chat of a mini program takes words, pictures and its own pages (WeChat: 2.2) and has no menus; these events come
/// from it.
fn of_a_mini_program(fields: &Fields) -> bool {
    if fields.some("bizmsgmenuid").is_some() {
        return false;
    }
    let kind = platform_kind(fields);
    let shared = [
        "text",
        "image",
        "user_info_modified",
        "user_authorization_revoke",
    ];
    of_a_mini_program_only(fields)
        || shared.contains(&kind.as_str())
        || kind.starts_with("subscribe_msg_")
        || kind.starts_with("kf_")
}

fn of_a_mini_program_only(fields: &Fields) -> bool {
    ["miniprogrampage", "user_enter_tempsession"].contains(&platform_kind(fields).as_str())
}

type Read = Result<Vec<Content>, ConvertError>;

fn reads(samples: impl Iterator<Item = (String, Read)>) -> BTreeMap<ContentKind, BTreeSet<String>> {
    let mut found: BTreeMap<ContentKind, BTreeSet<String>> = BTreeMap::new();
    for (word, contents) in samples {
        for content in contents.unwrap_or_else(|error| panic!("{word}: {error}")) {
            found
                .entry(content.kind())
                .or_default()
                .insert(word.clone());
        }
    }
    found
}

fn writes(
    within: &Capabilities,
    write: impl Fn(&Content, &Capabilities) -> Outcome,
) -> BTreeMap<ContentKind, Outcome> {
    KINDS
        .into_iter()
        .map(|kind| {
            // The channel uploads what the platform can show, and gives a link to the rest.
            let shown = within.kinds.contains(&kind);
            let content = sample(kind, shown);
            // As the planning does it.
            let plainer = content.plainer().filter(|_| !shown);
            let outcome = match plainer {
                Some(plainer) => write(&plainer, within)
                    .map(|(word, _)| (word, vec![Loss::new(kind, "shown as a link or text")])),
                None => write(&content, within),
            };
            (kind, outcome)
        })
        .collect()
}

fn kinds_of(parts: &[Wire]) -> String {
    let kinds = parts.iter().filter_map(|part| match part {
        Wire::Message(message) => serde_json::to_value(message).ok(),
        Wire::Callback(_) => None,
    });
    let kinds: Vec<String> = kinds
        .filter_map(|message| Some(message["msgtype"].as_str()?.to_owned()))
        .collect();
    joined(kinds.iter().map(String::as_str))
}

fn joined<'a>(kinds: impl Iterator<Item = &'a str>) -> String {
    let kinds: Vec<&str> = kinds.collect();
    kinds.join("+")
}
