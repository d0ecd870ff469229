//! What every message goes through, piece by piece and without a store or a network: a callback decoded, a content in a
//! platform's form, a line read as a command, and one turn of the chain.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up shall end"
)]

use std::{hint::black_box, sync::Arc};

use bridge_convertors::{
    tencent_im::convert::TencentIm,
    wechat::{Fields, WeChat, callback, crypto::AesKey, signature},
};
use bridge_core::{
    bot::{Catalogue, grammar},
    chain::{AnswerBy, Case, Chain, DecodeDelivery, OpenTurn, ParseCommands},
    channel::Capabilities,
    convert::Convertor,
    message::{ArrivalId, Author, Content, InboxName, PeerId},
    registry::Registry,
    testkit,
    texts::{Locale, Texts},
};
use criterion::{Criterion, criterion_group, criterion_main};

use bridge_plugins as _;

const KEY: &str = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Ml";
const APP_ID: &str = "wx5f2c9d7a1b3e8046";
const WORDS: &str = "您好，您的订单 20260101 已经发出，预计明天下午送到。还有什么可以帮您的吗？";

/// Signature, envelope, XML, content: as a safe-mode callback of a WeChat official account.
fn decode(c: &mut Criterion) {
    let key = AesKey::parse(KEY).unwrap();
    let plain = "<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><FromUserName><![CDATA[oBench]]></FromUserName><CreateTime>1767232800</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[订单 42 什么时候到？]]></Content><MsgId>7000000000000000001</MsgId></xml>";
    let sealed = key.seal(plain, APP_ID, *b"0123456789abcdef");
    let body = format!(
        "<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    );
    let signed = signature::sign(&mut ["token", "1767232800", "nonce", &sealed]);
    let signed = String::from_utf8_lossy(&signed).into_owned();
    let inbox = InboxName::new("mall");
    c.bench_function("decode: WeChat, safe mode", |b| {
        b.iter(|| {
            let outer = Fields::read(black_box(body.as_bytes())).unwrap();
            let sealed = outer.some("Encrypt").unwrap();
            assert!(signature::fits(
                &signed,
                &mut ["token", "1767232800", "nonce", sealed]
            ));
            let plain = key.open(sealed, APP_ID).unwrap();
            let fields = Fields::read(plain.as_bytes()).unwrap();
            (
                callback::external_id(&fields, callback::create_time(&fields).unwrap()),
                callback::content(&fields, &inbox),
            )
        });
    });
}

fn convert(c: &mut Criterion) {
    let (content, within) = (Content::text(WORDS), Capabilities::default());
    let wechat = WeChat {
        inbox: InboxName::new("mall"),
        locale: Locale::Zh,
    };
    c.bench_function("convert: a text to WeChat", |b| {
        b.iter(|| wechat.write(black_box(&content), &within).unwrap());
    });
    let tencent_im = TencentIm {
        inbox: InboxName::new("desk"),
        locale: Locale::Zh,
    };
    c.bench_function("convert: a text to Tencent IM and back", |b| {
        b.iter(|| {
            let written = tencent_im.write(black_box(&content), &within).unwrap();
            tencent_im.read(&written.parts[0]).unwrap()
        });
    });
}

fn catalogue() -> Catalogue {
    let registry = Registry::linked().unwrap();
    let mut catalogue = Catalogue::default();
    for name in ["transfer", "queue", "send", "quit", "help"] {
        let spec = *registry.bots[name];
        let bot = spec
            .build(serde_json::json!({}), &testkit::tools())
            .unwrap();
        catalogue.insert(spec, bot);
    }
    catalogue
}

fn command(c: &mut Criterion) {
    let (catalogue, texts) = (catalogue(), Texts::new(Locale::Zh));
    let agent = Author::Agent(PeerId::new("agent_system"));
    for (name, line) in [
        ("a handover", "#转接 -n lin -m \"客户要退款\""),
        ("full width", "＃转接　－n　lin"),
        ("a name that nobody has", "#转街 lin"),
    ] {
        c.bench_function(&format!("command parse: {name}"), |b| {
            b.iter(|| grammar::read(black_box(line), &agent, catalogue.manual(), &texts));
        });
    }
}

/// From an accepted arrival to the effects, through the four filters' last three and a bot.
fn turn(c: &mut Criterion) {
    let catalogue = Arc::new(catalogue());
    let chain = Chain {
        decode: Box::new(DecodeDelivery {
            channels: Arc::default(),
        }),
        conversation: Box::new(OpenTurn {
            texts: Arc::new(Texts::new(Locale::Zh)),
            menu_words: Default::default(),
            one_chat: Default::default(),
            buttons: Vec::new(),
        }),
        guards: Vec::new(),
        command_parse: Box::new(ParseCommands {
            catalogue: catalogue.clone(),
            transfer_words: vec!["转人工".to_owned()],
        }),
        chat_bot: Box::new(AnswerBy { catalogue }),
    };
    let model = testkit::turn_of_contact("转人工");
    let case = Case {
        id: ArrivalId(1),
        arrival: testkit::arrival("转人工"),
        conversation: testkit::conversation(),
        contact: model.contact.clone(),
        desk: Arc::new(testkit::desk()),
        now: testkit::NOW,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    c.bench_function("one turn: a contact asks for a person", |b| {
        b.iter(|| {
            let outcome = runtime
                .block_on(chain.walk(black_box(case.clone())))
                .unwrap();
            assert!(!outcome.effects.is_empty());
            outcome
        });
    });
}

criterion_group!(benches, decode, convert, command, turn);
criterion_main!(benches);
