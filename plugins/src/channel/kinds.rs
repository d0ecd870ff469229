//! The table of kinds: what each channel reads, and what becomes of each kind of content there, as its own convertor does it.
//! `docs/channels/kinds.md` and its Chinese twin are written from here; a stale one fails the test. `cargo xtask kinds`
//! rewrites them.
//!
//! A new channel is one more [`Column`].

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

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
    message::{Content, ContentKind, Event, InboxName, Media, MenuItem},
    plugin::{Plugin, Tools},
    texts::Locale,
};
use serde_json::{Value, json};

use super::{web, wechat::WeChat as OfficialAccount, wechat_kf, wechat_miniapp, wecom};

const KINDS: [ContentKind; 14] = [
    ContentKind::Text,
    ContentKind::Image,
    ContentKind::Voice,
    ContentKind::Video,
    ContentKind::File,
    ContentKind::Location,
    ContentKind::Link,
    ContentKind::MiniProgram,
    ContentKind::Menu,
    ContentKind::Choice,
    ContentKind::Nudge,
    ContentKind::Event,
    ContentKind::Recalled,
    ContentKind::Unsupported,
];

/// What became of a content: the platform's types and what was lost, or that it cannot be said.
type Outcome = Result<(String, Vec<Loss>), ConvertError>;

/// One channel of the table.
struct Column {
    /// What `channel = "…"` says.
    name: &'static str,
    /// What the platform sends, by what it reads as.
    reads: BTreeMap<ContentKind, BTreeSet<String>>,
    /// What becomes of each kind.
    writes: BTreeMap<ContentKind, Outcome>,
}

fn columns() -> Vec<Column> {
    vec![
        wechat(),
        mini_program(),
        kf(),
        wecom_app(),
        web_page(),
        tencent_im_desk(),
    ]
}

fn inbox() -> InboxName {
    InboxName::new("here")
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
    let words = WeChat { inbox: inbox() };
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
            words
                .write(content, within)
                .map(|written| (kinds_of(&written.parts), written.lost))
        }),
    }
}

fn mini_program() -> Column {
    let words = MiniApp {
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
    let rows = include_str!("../../../tests/fixtures/wecom/kf_rows.txt").lines();
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
    let lines = include_str!("../../../tests/fixtures/wecom/app_messages.txt").lines();
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
    let reads = web::reads()
        .into_iter()
        .map(|(word, content)| (word.to_owned(), Ok(vec![content])));
    Column {
        name: "web",
        reads: reads_of(reads),
        writes: KINDS
            .into_iter()
            .map(|kind| {
                let content = sample(kind, true);
                let shown = web::shown(&content);
                let word = shown["kind"].as_str().unwrap_or_default().to_owned();
                let own = serde_json::to_value(kind).unwrap();
                let lost = match own == word.as_str() || kind == ContentKind::Choice {
                    true => Vec::new(),
                    false => vec![Loss::new(kind, "shown as text")],
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
        "../../../tests/fixtures/tencent_im/elements.json"
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

const APP_ID: &str = "wx5f2c9d7a1b3e8046";

/// The pushes of the protocol notes.
fn pushes() -> Vec<Fields> {
    let text = include_str!("../../../tests/fixtures/wechat/callbacks.txt");
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
    reads_of(samples)
}

fn reads_of(
    samples: impl Iterator<Item = (String, Read)>,
) -> BTreeMap<ContentKind, BTreeSet<String>> {
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
            let content = sample(kind, within.kinds.contains(&kind));
            (kind, write(&content, within))
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

/// One of each kind.
fn sample(kind: ContentKind, uploaded: bool) -> Content {
    let media = || {
        let handle = if uploaded { "uploaded" } else { "" };
        let mut media = Media::remote(&inbox(), handle, Some("https://k.example/m".to_owned()));
        (media.name, media.size) = (Some("合同.pdf".to_owned()), Some(70_211));
        media
    };
    let picture = || Media::remote(&inbox(), "uploaded", Some("https://k.example/p".to_owned()));
    let text = |text: &str| text.to_owned();
    match kind {
        ContentKind::Text => Content::text("您好"),
        ContentKind::Image => Content::Image { media: media() },
        ContentKind::Voice => Content::Voice {
            media: media(),
            words: Some(text("我要退货")),
            seconds: Some(3),
        },
        ContentKind::Video => Content::Video {
            media: media(),
            thumbnail: Some(picture()),
            seconds: Some(9),
        },
        ContentKind::File => Content::File { media: media() },
        ContentKind::Location => Content::Location {
            latitude: 30.25,
            longitude: 120.125,
            label: text("西湖"),
        },
        ContentKind::Link => Content::Link {
            title: text("退货指南"),
            description: text("三步完成"),
            url: text("https://shop.example/return"),
            picture_url: None,
        },
        ContentKind::MiniProgram => Content::MiniProgram {
            app_id: text(APP_ID),
            title: text("保温杯"),
            path: text("pages/item/index?sku=42"),
            thumbnail: Some(picture()),
        },
        ContentKind::Menu => Content::Menu {
            head: text("请评价"),
            items: vec![MenuItem {
                id: text("15"),
                label: text("满意"),
            }],
            tail: String::new(),
        },
        ContentKind::Choice => Content::Choice {
            id: text("15"),
            label: text("满意"),
        },
        ContentKind::Nudge => Content::Nudge {
            topic: text("t"),
            from: text("小林"),
            summary: text("已发出"),
        },
        ContentKind::Event => Content::Event(Event::Unfollowed),
        ContentKind::Recalled => Content::Recalled {
            external_id: text("1"),
        },
        ContentKind::Unsupported => Content::Unsupported {
            what: text("x"),
            summary: text("y"),
        },
    }
}

struct Tongue {
    file: &'static str,
    chinese: bool,
}

const TONGUES: [Tongue; 2] = [
    Tongue {
        file: "kinds.md",
        chinese: false,
    },
    Tongue {
        file: "kinds.zh-CN.md",
        chinese: true,
    },
];

impl Tongue {
    fn pick(&self, zh: &'static str, en: &'static str) -> &'static str {
        if self.chinese { zh } else { en }
    }

    fn kind(&self, kind: ContentKind) -> &'static str {
        match kind {
            ContentKind::Text => self.pick("文本", "text"),
            ContentKind::Image => self.pick("图片", "picture"),
            ContentKind::Voice => self.pick("语音", "voice"),
            ContentKind::Video => self.pick("视频", "video"),
            ContentKind::File => self.pick("文件", "file"),
            ContentKind::Location => self.pick("位置", "place"),
            ContentKind::Link => self.pick("链接", "link"),
            ContentKind::MiniProgram => self.pick("小程序页面", "mini-program page"),
            ContentKind::Menu => self.pick("选项菜单", "menu of choices"),
            ContentKind::Choice => self.pick("点选的选项", "tapped choice"),
            ContentKind::Nudge => self.pick("不在时的提醒", "reminder to who is away"),
            ContentKind::Event => self.pick("事件", "event"),
            ContentKind::Recalled => self.pick("撤回", "taken back"),
            ContentKind::Unsupported => self.pick("无法识别的类型", "of no known kind"),
        }
    }

    /// What became of it, in people's words.
    fn loss(&self, what: &str) -> String {
        if !self.chinese {
            return what.to_owned();
        }
        let zh = LOSSES.iter().find(|(en, _)| *en == what);
        let zh = zh.unwrap_or_else(|| panic!("no Chinese words for {what:?}: add them to LOSSES"));
        zh.1.to_owned()
    }

    fn page(&self, columns: &[Column]) -> String {
        let title = self.pick("消息类型 × 渠道", "Kinds of message by channel");
        let about = self.pick(
            "本页由测试根据各渠道的转换器生成，不要手改；`cargo xtask kinds` 重新生成。",
            "Written by a test from the channels' own convertors; not by hand. `cargo xtask kinds` rewrites it.",
        );
        let reads = self.pick(
            "收到：平台的哪些类型读成什么",
            "In: what the platform sends, and as what it is read",
        );
        let reads_about = self.pick(
            "取自各平台协议的样例；没有专门类型的一律保留原文交给客服，不会丢弃。",
            "From the samples of each platform's protocol. What has no kind of its own is kept and shown to agents, never dropped.",
        );
        let writes = self.pick(
            "发出：各类型在渠道上变成什么",
            "Out: what becomes of each kind",
        );
        let writes_about = self.pick(
            "✓ 原样发出；≈ 换一种形式发出，损失会告知客服；✗ 该渠道没有可用的形式，发送人会看到原因。代码字样是平台自己的消息类型。",
            "✓ as itself; ≈ in another form, and the loss is reported; ✗ there is no form for it here, and whoever sent it is told. In code: the platform's own type.",
        );
        format!(
            "# {title}\n\n{about}\n\n## {reads}\n\n{reads_about}\n\n{}\n## {writes}\n\n{writes_about}\n\n{}",
            self.table(columns, |column, kind| self.read_cell(column, kind)),
            self.table(columns, |column, kind| self.write_cell(column, kind)),
        )
    }

    fn table(&self, columns: &[Column], cell: impl Fn(&Column, ContentKind) -> String) -> String {
        let heads: Vec<String> = columns
            .iter()
            .map(|column| format!("`{}`", column.name))
            .collect();
        let mut table = format!(
            "| | {} |\n|---|{}\n",
            heads.join(" | "),
            "---|".repeat(columns.len())
        );
        for kind in KINDS {
            let cells: Vec<String> = columns.iter().map(|column| cell(column, kind)).collect();
            table.push_str(&format!(
                "| {} | {} |\n",
                self.kind(kind),
                cells.join(" | ")
            ));
        }
        table
    }

    fn read_cell(&self, column: &Column, kind: ContentKind) -> String {
        let words: Vec<String> = column
            .reads
            .get(&kind)
            .into_iter()
            .flatten()
            .map(|word| format!("`{word}`"))
            .collect();
        match words.is_empty() {
            true => "–".to_owned(),
            false => words.join(" "),
        }
    }

    fn write_cell(&self, column: &Column, kind: ContentKind) -> String {
        match &column.writes[&kind] {
            Ok((kinds, lost)) if lost.is_empty() => format!("✓ `{kinds}`"),
            Ok((kinds, lost)) => {
                let lost: Vec<String> = lost.iter().map(|loss| self.loss(&loss.what)).collect();
                format!("≈ `{kinds}` {}", lost.join(self.pick("；", "; ")))
            }
            Err(_) => "✗".to_owned(),
        }
    }
}

const LOSSES: &[(&str, &str)] = &[
    ("shown as a link", "以链接显示"),
    ("shown as text", "以文字显示"),
    ("shown as a map link", "以地图链接显示"),
    (
        "shown as a card with a map's link",
        "以带地图链接的卡片显示",
    ),
    ("shown as its title and path", "以标题和路径显示"),
    ("choices shown as text", "选项以文字列出"),
    ("shown as words with the address", "以文字和网址显示"),
    (
        "shown as words with the page's path",
        "以文字和页面路径显示",
    ),
    ("shown as words, nothing to tap", "以文字列出，不能点选"),
    (
        "shown as words: the choices cannot be tapped",
        "以文字列出，不能点选",
    ),
    ("only named", "只写出名称"),
];

/// Every kind there is stands in the table: one that is forgotten here fails to build above.
#[test]
fn each_sample_is_of_its_kind() {
    for kind in KINDS {
        assert_eq!(sample(kind, true).kind(), kind);
    }
}

#[test]
fn the_pages_say_what_the_convertors_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/channels");
    let columns = columns();
    let mut stale = Vec::new();
    for tongue in TONGUES {
        let (file, page) = (folder.join(tongue.file), tongue.page(&columns));
        if std::env::var_os("KEFU_REWRITE").is_some() {
            std::fs::write(&file, &page).unwrap();
        } else if std::fs::read_to_string(&file).ok().as_deref() != Some(page.as_str()) {
            stale.push(tongue.file);
        }
    }
    assert!(
        stale.is_empty(),
        "stale: {stale:?}; `cargo xtask kinds` rewrites them"
    );
}

/// A channel may lose something, but what a person says is never refused; and nothing that is no speech is ever said.
#[test]
fn whatever_a_person_says_can_be_said_everywhere() {
    use ContentKind::{Event, Nudge, Recalled, Unsupported};
    for column in columns() {
        for (kind, outcome) in &column.writes {
            match kind {
                Event | Nudge | Recalled | Unsupported => {}
                kind => assert!(outcome.is_ok(), "{} {kind:?}: {outcome:?}", column.name),
            }
        }
    }
}
