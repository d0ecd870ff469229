mod chance;

use super::*;
use crate::{
    message::{InboxName, Media},
    texts::{Locale, Texts, excerpt},
};

const TRANSFER: u8 = 1;

/// By which the agent says something.
const SAID: ArrivalId = ArrivalId(99);

fn buttons() -> Vec<Button> {
    vec![Button {
        digit: TRANSFER,
        label: "转接".to_owned(),
        says: "#transfer".to_owned(),
    }]
}

fn texts() -> Texts {
    Texts::new(Locale::Zh)
}

fn persona(name: &str) -> Persona {
    Persona {
        id: PeerId::new(format!("kefu_{name}")),
        name: name.to_owned(),
        avatar_url: None,
    }
}

struct Desk(Board);

impl Desk {
    fn new() -> Self {
        Self(Board::default())
    }

    /// `conversation` tells contacts apart on cards.
    fn hears(&mut self, name: &str, conversation: i64, content: Content) -> Vec<Act> {
        self.shows(name, conversation, true, content)
    }

    fn shows(&mut self, name: &str, conversation: i64, seated: bool, content: Content) -> Vec<Act> {
        let shown = Shown {
            from: persona(name),
            conversation: ConversationId(conversation),
            seated,
            content,
            by: ArrivalId(conversation),
        };
        let acts = self.0.show(shown, &buttons(), &texts());
        // What is remembered is the same board.
        let memory = serde_json::to_value(&self.0).unwrap();
        self.0 = serde_json::from_value(memory).unwrap();
        acts
    }

    fn says(&mut self, words: &str) -> Vec<Act> {
        self.0
            .said(Content::text(words), SAID, &buttons(), &texts())
    }

    fn taps(&mut self, id: &str) -> Vec<Act> {
        let choice = Content::Choice {
            id: id.to_owned(),
            label: String::new(),
        };
        self.0.said(choice, SAID, &buttons(), &texts())
    }

    /// Two contacts, 小周 (conversation 11) on 1 and 老王 (conversation 12) on 2; 老王 spoke last.
    fn of_two() -> Self {
        let mut desk = Self::new();
        desk.hears("小周", 11, Content::text("快递呢"));
        desk.hears("老王", 12, Content::text("发票呢"));
        desk
    }
}

fn passed(name: &str, words: &str) -> Act {
    Act::PassOn {
        to: persona(name).id,
        content: Content::text(words),
    }
}

fn said(acts: &[Act]) -> String {
    let word = |act: &Act| match act {
        Act::Show { label, content } => {
            let words = match content {
                Content::Menu { head, items, .. } => {
                    let items: Vec<_> = items.iter().map(|item| &*item.label).collect();
                    format!("{head} [{}]", items.join("|"))
                }
                other => excerpt(other, crate::texts::Locale::Zh),
            };
            Some(format!("{label}{words}"))
        }
        _ => None,
    };
    acts.iter().filter_map(word).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_new_contact_comes_with_a_card_and_a_number() {
    let mut desk = Desk::new();
    let acts = desk.hears("小周", 11, Content::text("快递呢"));
    assert_eq!(
        said(&acts),
        "新会话：1 小周 [回复客户|转接]\n【1 小周】快递呢"
    );
    let acts = desk.hears("小周", 11, Content::text("在吗"));
    assert_eq!(said(&acts), "【1 小周】在吗");
}

#[test]
fn words_to_the_only_contact_need_no_name() {
    let mut desk = Desk::new();
    desk.hears("小周", 11, Content::text("快递呢"));
    assert_eq!(desk.says("在的"), [passed("小周", "在的")]);
    assert_eq!(desk.says("#转接 -n lin"), [passed("小周", "#转接 -n lin")]);
    // A number alone is words where nothing was asked.
    assert_eq!(desk.says("1"), [passed("小周", "1")]);
}

#[test]
fn who_spoke_last_is_not_guessed_to_be_meant() {
    let mut desk = Desk::of_two();
    let asked = desk.says("明天到");
    assert_eq!(
        said(&asked),
        "这条消息发给哪位客户？“明天到” [1 小周|2 老王]"
    );
    assert!(asked.iter().all(|act| matches!(act, Act::Show { .. })));
    // What follows waits, too, so that it is not overtaken.
    assert_eq!(
        said(&desk.says("下午")),
        "有 2 条消息等您选择客户：回复编号发送，#取消 放弃。"
    );
    let acts = desk.says("1");
    assert_eq!(
        acts[..2],
        [passed("小周", "明天到"), passed("小周", "下午")]
    );
    assert_eq!(said(&acts), "已发给【1 小周】。");
    assert_eq!(desk.says("还有吗"), [passed("小周", "还有吗")]);
}

#[test]
fn the_question_is_answered_by_a_tap_too() {
    let mut desk = Desk::of_two();
    desk.says("明天到");
    let acts = desk.taps("129");
    assert_eq!(acts[0], passed("老王", "明天到"));
}

#[test]
fn a_name_or_number_turns_to_a_contact() {
    let mut desk = Desk::of_two();
    assert_eq!(desk.says("@2 马上开"), [passed("老王", "马上开")]);
    assert_eq!(desk.says("请稍等"), [passed("老王", "请稍等")]);
    assert_eq!(said(&desk.says("#1")), "现在与【1 小周】对话。");
    assert_eq!(desk.says("明天到"), [passed("小周", "明天到")]);
    assert_eq!(desk.says("@老王 开好了"), [passed("老王", "开好了")]);
    // Somebody else speaks: then it is not sure any more.
    desk.hears("小周", 11, Content::text("好"));
    assert!(said(&desk.says("好的")).starts_with("这条消息发给哪位"));
    assert_eq!(said(&desk.says("#取消")), "有 1 条消息没有发出。");
}

#[test]
fn nobody_is_told_what_was_for_a_number_that_is_not() {
    let mut desk = Desk::of_two();
    let acts = desk.says("@7 好的");
    assert!(
        said(&acts).starts_with("没有 7 号客户。\n接待中的客户：\n▶ 1 小周"),
        "{acts:?}"
    );
    assert!(!acts.iter().any(|act| matches!(act, Act::PassOn { .. })));
    // Whom nobody is called by is words.
    desk.says("#1");
    assert_eq!(desk.says("@所有人 好"), [passed("小周", "@所有人 好")]);
}

#[test]
fn buttons_do_what_commands_do_for_their_own_contact() {
    let mut desk = Desk::of_two();
    assert_eq!(desk.taps("121"), [passed("老王", "#transfer")]);
    assert_eq!(said(&desk.taps("110")), "现在与【1 小周】对话。");
    for stale in ["", "1", "119999", "991", "12x", "-120", "１２０"] {
        assert_eq!(said(&desk.taps(stale)), "⚠ 该会话已不由您接待。", "{stale}");
    }
}

#[test]
fn who_has_gone_leaves_the_line_and_their_number_rests() {
    let mut desk = Desk::of_two();
    let acts = desk.shows("老王", 12, false, Content::text("会话已结束。"));
    assert_eq!(said(&acts), "【2 老王】会话已结束。");
    assert_eq!(
        desk.says("好的"),
        [passed("小周", "好的")],
        "the only one left"
    );
    assert_eq!(said(&desk.taps("121")), "⚠ 该会话已不由您接待。");
    let acts = desk.hears("老李", 13, Content::text("您好"));
    assert!(said(&acts).starts_with("新会话：3 老李"), "{acts:?}");
    // Over before it could be shown: no line is given for it.
    let acts = desk.shows("老张", 14, false, Content::text("会话已结束。"));
    assert_eq!(said(&acts), "【老张】会话已结束。");
}

#[test]
fn a_card_is_over_with_its_conversation_and_a_question_with_its_answer() {
    let over = |shown_by, words: &str| Act::Over {
        shown_by,
        words: words.to_owned(),
    };
    let mut desk = Desk::of_two();
    desk.says("明天到");
    assert_eq!(desk.says("1").last(), Some(&over(SAID, "已选择")));
    desk.hears("老王", 12, Content::text("在吗"));
    desk.says("在的");
    assert_eq!(desk.says("#取消").last(), Some(&over(SAID, "未发送")));
    let acts = desk.shows("老王", 12, false, Content::text("会话已结束。"));
    assert_eq!(acts.last(), Some(&over(ArrivalId(12), "已不由您接待")));
    // Who comes again comes with a card of their own.
    let acts = desk.hears("老王", 15, Content::text("还有一事"));
    assert!(said(&acts).starts_with("新会话："), "{acts:?}");
    let acts = desk.shows("老王", 15, false, Content::text("会话已结束。"));
    assert_eq!(acts.last(), Some(&over(ArrivalId(15), "已不由您接待")));
}

#[test]
fn words_that_wait_are_not_lost_in_silence() {
    let mut desk = Desk::of_two();
    desk.says("明天到");
    desk.shows("老王", 12, false, Content::text("会话已结束。"));
    let acts = desk.shows("小周", 11, false, Content::text("会话已结束。"));
    assert!(said(&acts).ends_with("有 1 条消息没有发出。"));
    assert_eq!(said(&desk.says("在吗")), "您当前没有接待中的客户。");
}

#[test]
fn a_picture_says_whose_it_is_where_it_could_be_anothers() {
    let picture = || Content::Image {
        media: Media::remote(&InboxName::new("mall"), "m1", None),
    };
    let mut desk = Desk::new();
    desk.hears("小周", 11, Content::text("看"));
    assert_eq!(said(&desk.hears("小周", 11, picture())), "[图片]");
    desk.hears("老王", 12, Content::text("发票呢"));
    assert_eq!(
        said(&desk.hears("小周", 11, picture())),
        "【1 小周】[图片]\n[图片]"
    );
    // And the agent's picture is kept as words are.
    desk.says("#2");
    desk.hears("小周", 11, Content::text("看到了吗"));
    desk.0.said(picture(), SAID, &buttons(), &texts());
    let acts = desk.says("1");
    assert!(matches!(
        &acts[0],
        Act::PassOn {
            content: Content::Image { .. },
            ..
        }
    ));
}

#[test]
fn numbers_stay_short_and_never_meet() {
    let mut desk = Desk::new();
    for contact in 1..=40_i64 {
        desk.hears(&format!("c{contact}"), contact, Content::text("x"));
    }
    let mut numbers: Vec<u32> = desk.0.lines.iter().map(|line| line.number).collect();
    numbers.dedup();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    // The first free one after the last given, while there is one.
    desk.shows("c3", 3, false, Content::text("x"));
    let acts = desk.hears("new", 99, Content::text("x"));
    assert!(said(&acts).starts_with("新会话：3 new"));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut desk = Desk::of_two();
    for _ in 0..KEPT {
        desk.says("x");
    }
    assert!(said(&desk.says("x")).starts_with("等待选择客户的消息太多"));
    assert_eq!(desk.0.kept.len(), KEPT);
}

#[test]
fn a_name_cannot_break_out_of_its_label() {
    let mut desk = Desk::new();
    let acts = desk.hears("小\n周】【9", 11, Content::text("x"));
    assert!(!said(&acts).lines().next().unwrap().contains("小\n"));
    assert!(said(&acts).contains("小周"));
}
