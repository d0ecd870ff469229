//! A list of lines and what they come to, as an agent and as a contact, in Chinese and in English.

use proptest::prelude::*;

use super::{words::split, *};
use crate::{
    bot::{Audience, BotError, ChatBot, Effect, Turn, async_trait},
    message::PeerId,
    plugin::{BuildError, Plugin, Tools},
    texts::Locale,
};

/// 转接会话
///
/// Hands the conversation over.
#[derive(clap::Args)]
struct TransferArgs {
    /// 客服名字
    ///
    /// Name of the agent.
    #[arg(value_name = "AGENT", conflicts_with = "name")]
    agent: Option<String>,
    /// 客服名字
    #[arg(short, long, value_name = "AGENT")]
    name: Option<String>,
    /// 给新客服的备注
    ///
    /// What the new agent should know.
    #[arg(short = 'm', long, value_name = "TEXT")]
    note: Option<String>,
}

/// 查询天气
#[derive(clap::Args)]
struct WeatherArgs {
    /// 城市
    city: String,
    /// 天数
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
    days: u8,
    /// 单位
    #[arg(long, value_parser = ["c", "f"])]
    unit: Option<String>,
    /// 详细
    #[arg(short, long)]
    verbose: bool,
}

struct Silent<A>(std::marker::PhantomData<fn() -> A>);

impl<A: 'static> Plugin for Silent<A> {
    type Config = ();
    fn build((): (), _: &Tools) -> Result<Self, BuildError> {
        Ok(Self(std::marker::PhantomData))
    }
}

#[async_trait]
impl<A: clap::Args + Send + 'static> ChatBot for Silent<A> {
    type Args = A;
    async fn answer(&self, _: A, _: &Turn) -> Result<Vec<Effect>, BotError> {
        Ok(Vec::new())
    }
}

fn manual() -> Manual {
    [
        BotSpec::new::<Silent<TransferArgs>>("transfer")
            .aliases(&["转接", "转接工程师"])
            .spellings(&["trasfor"]),
        BotSpec::new::<Silent<WeatherArgs>>("weather")
            .aliases(&["天气"])
            .audience(Audience::Everyone),
        BotSpec::new::<Silent<WeatherArgs>>("survey")
            .aliases(&["问卷"])
            .audience(Audience::Contacts),
    ]
    .into_iter()
    .collect()
}

fn agent() -> Author {
    Author::Agent(PeerId::new("agent_system"))
}

/// One line: what it comes to, in a form that reads well in a list.
fn shown(line: &str, author: &Author, locale: Locale) -> String {
    match read(line, author, &manual(), &Texts::new(locale)) {
        Reading::Speech => "speech".to_owned(),
        Reading::Literal(text) => format!("literal {text}"),
        Reading::Command(called) => format!("{} {:?}", called.bot, called.argv),
        Reading::Answer { text, .. } => text,
    }
}

fn list(lines: &[&str], author: &Author, locale: Locale) -> String {
    let shown = lines
        .iter()
        .map(|line| format!("> {line}\n{}\n", shown(line, author, locale)));
    shown.collect::<Vec<_>>().join("\n")
}

const GOOD: &[&str] = &[
    "你好",
    "",
    "#转接",
    "＃转接",
    "  \u{feff}#转接",
    "# 转接 system",
    "#转接 system",
    "#转接 -n system",
    "#转接 -nsystem",
    "#转接 --name=system",
    "#transfer -n \"二线 售后\"",
    "#TRANSFER -N system",
    "#Ｔｒａｎｓｆｅｒ　－ｎ　system",
    "#trasfor system",
    "#转接 －－name system",
    "#转接 —name system",
    "#转接 ——name＝system",
    "#转接 —n system",
    "#转接 -name system",
    "#转接 -n “二线 售后”",
    "#转接 --note='it is \"urgent\"'",
    "#转接 -m don't",
    "#转接 -m \"第一行\n第二行\"",
    "#转接 -m #123",
    "#转接 -m 他\\ 急",
    "#转接 ——好的",
    "#天气 北京 -d 3 --unit c -v",
    "##转接",
    "＃＃ 标题",
    "###",
];

const BAD: &[&str] = &[
    "#",
    "#转街",
    "#转接system",
    "#transfr",
    "#完全不同的东西",
    "#问卷",
    "#转接 -n",
    "#转接 -n a -n b",
    "#转接 a -n b",
    "#转接 a b",
    "#转接 --nmae a",
    "#转接 －－ｎｍａｅ a",
    "#转接 -x a",
    "#转接 -m \"没有右引号",
    "#天气",
    "#天气 北京 -d 三",
    "#天气 北京 -d 30",
    "#天气 北京 --unit k",
    "#天气 北京 上海",
    "#转接 --help",
    "#transfer -h",
    "#天气 --帮助",
    "#{nearest} {usage}",
];

#[test]
fn good_lines() {
    insta::assert_snapshot!("good", list(GOOD, &agent(), Locale::Zh));
}

#[test]
fn bad_lines_in_chinese() {
    insta::assert_snapshot!("bad_zh", list(BAD, &agent(), Locale::Zh));
}

#[test]
fn bad_lines_in_english() {
    insta::assert_snapshot!("bad_en", list(BAD, &agent(), Locale::En));
}

#[test]
fn no_english_sentence_of_claps_is_shown_in_chinese() {
    for line in BAD {
        let shown = shown(line, &agent(), Locale::Zh);
        for clap in ["error", "Usage", "tip", "invalid", "For more", "possible"] {
            assert!(!shown.contains(clap), "{line}: {shown}");
        }
    }
}

#[test]
fn a_contacts_line_is_speech_unless_the_command_admits_contacts() {
    let lines = [
        "#转接",
        "#1 号订单",
        "#",
        "##",
        "## 标题",
        "##天气 北京",
        "#天气 北京",
        "#天气",
        "#问卷 好",
        "#没有这个",
    ];
    insta::assert_snapshot!("contact", list(&lines, &Author::Contact, Locale::Zh));
}

#[test]
fn ten_thousand_signs_are_harmless() {
    let line = "#".repeat(10_000);
    let Reading::Literal(text) = read(&line, &agent(), &manual(), &Texts::default()) else {
        panic!("a literal");
    };
    assert_eq!(text.len(), 9_999);
}

#[test]
fn huge_lines_are_refused_in_a_few_words() {
    for line in [
        format!("#{}", "转".repeat(1_000_000)),
        format!("#转接 {}", "a".repeat(1_000_000)),
        format!("#转接 {}", "a ".repeat(1_000)),
        format!("#转接 --{}", "a".repeat(3_000)),
    ] {
        let shown = shown(&line, &agent(), Locale::Zh);
        assert!(shown.chars().count() < 300, "{shown}");
    }
}

#[test]
fn the_same_words_in_another_dress() {
    for said in ["转人工", "转人工！", " “转人工”。", "转人工\u{3000}"] {
        assert!(same_words("转人工", said), "{said}");
    }
    assert!(same_words("agent", "ＡＧＥＮＴ?"));
    assert!(!same_words("人工", "人工费是多少"));
}

#[test]
fn what_somebody_typed_is_never_a_place_to_fill() {
    let shown = shown("#{nearest}", &agent(), Locale::En);
    assert!(
        shown.starts_with("There is no command \"{nearest}\""),
        "{shown}"
    );
}

fn texts_of(line: &str) -> Option<Vec<String>> {
    let words = split(line).ok()?;
    Some(words.into_iter().map(|word| word.text).collect())
}

proptest! {
    /// The twin of the fuzz target `command_grammar`.
    #[test]
    fn nothing_typed_panics_and_no_command_becomes_speech(line in "[#＃ 　\"“”'\\\\—－=-]{0,8}(转接|天气|问卷|transfer)?.{0,60}") {
        for line in [line.clone(), format!("#转接 {line}"), format!("#天气 {line}")] {
            for locale in [Locale::Zh, Locale::En] {
                let texts = Texts::new(locale);
                let _ = read(&line, &Author::Contact, &manual(), &texts);
                match read(&line, &agent(), &manual(), &texts) {
                    Reading::Speech => prop_assert!(after_hash(&line).is_none()),
                    Reading::Literal(text) => prop_assert!(after_hash(&text).is_some()),
                    Reading::Answer { text, .. } => prop_assert!(text.chars().count() < 600),
                    Reading::Command(_) => {}
                }
            }
        }
    }

    #[test]
    fn splits_as_a_shell_does(words in proptest::collection::vec("[a-z0-9 \"\\\\$=.]{1,12}", 0..6)) {
        let line = shlex::try_join(words.iter().map(String::as_str)).expect("no NUL");
        prop_assert_eq!(texts_of(&line), shlex::split(&line));
    }

    /// But for a backslash at the very end, which escapes nothing: a shell asks for more, we keep it.
    #[test]
    fn bare_words_split_as_a_shell_does(line in "[a-z\" \\\\]{0,20}[a-z\"]") {
        prop_assert_eq!(texts_of(&line), shlex::split(&line));
    }

    #[test]
    fn words_that_were_understood_parse_again(line in "#天气 [a-z“” -]{0,30}") {
        let manual = manual();
        if let Reading::Command(called) = read(&line, &agent(), &manual, &Texts::default()) {
            let page = manual.page("weather").expect("it is there");
            prop_assert!(page.command.clone().try_get_matches_from(&called.argv).is_ok());
        }
    }
}
