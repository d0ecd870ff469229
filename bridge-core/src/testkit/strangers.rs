//! The way in for a fuzzer: words as customers, agents and language models write them, through everything that reads or
//! cuts words. Nothing may panic, and what is promised of any input is asserted.

use crate::{
    channel::{Capabilities, Delivery, Persona, Verb},
    markdown,
    message::{
        ArrivalId, Content, ConversationId, Format, Handle, InboxName, PeerId, Text, ThreadKey,
    },
    planning,
    switchboard::{Act, Board, Button, Shown},
    texts::{Locale, Texts, excerpt, shortened},
};

/// The bytes of a message on the narrowest platforms.
const NARROW: [usize; 3] = [16, 600, 2048];

/// Runs words through everything.
///
/// # Panics
/// Where a reader does, or where a promise is broken.
pub fn exercise(words: &str) {
    cut(words);
    markup(words);
    called(words);
    on_a_board(words);
}

/// What is cut is within its limit, and no word of it is lost.
fn cut(words: &str) {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    for limit in NARROW {
        let within = Capabilities {
            text_bytes: Some(limit),
            ..Capabilities::default()
        };
        let text = |format| {
            let text = words.to_owned();
            Content::Text(Text { text, format })
        };
        let parts = planning::fit(text(Format::Plain), &within);
        let said: Vec<&str> = parts.iter().filter_map(Content::words).collect();
        assert!(
            said.iter().all(|part| part.len() <= limit),
            "{limit}: {said:?}"
        );
        assert_eq!(dense(&said.concat()), dense(words));
        let merged = planning::merge(parts, &within);
        assert!(
            merged
                .iter()
                .filter_map(Content::words)
                .all(|part| part.len() <= limit)
        );
        for part in planning::fit(text(Format::Markdown), &within) {
            assert!(part.words().is_some_and(|part| part.len() <= limit));
        }
        let labelled = planning::fit_labelled("【2 小周】", text(Format::Plain), &within);
        let most = limit.max("【2 小周】".len() + 16);
        let is_well = |part: &str| part.starts_with("【2 小周】") && part.len() <= most;
        assert!(labelled.iter().filter_map(Content::words).all(is_well));
    }
    let content = Content::text(words);
    assert!(excerpt(&content, crate::texts::Locale::Zh).chars().count() <= 31);
    assert!(
        shortened(&content, 20, crate::texts::Locale::En)
            .chars()
            .count()
            <= 20
    );
}

/// Markdown grows by no more than its table names, and rewriting nothing changes nothing.
fn markup(words: &str) {
    let plain = markdown::plain(words);
    // A row of forty cells of one sign each, all with the longest name.
    assert!(
        plain.len() <= 4096 + 200 * words.len(),
        "{} of {}",
        plain.len(),
        words.len()
    );
    assert_eq!(markdown::rewrite(words, |_| None), words);
    markdown::rewrite(words, |found| Some(found.url.to_owned()));
}

/// Names and queries.
fn called(words: &str) {
    for handle in [
        Handle::phone(words),
        Handle::union_id(words),
        Handle::external_user(words, words),
    ] {
        assert!(handle.is_none_or(|handle| handle.as_str().len() <= 300));
    }
    let thread = ThreadKey {
        inbox: InboxName::new(words),
        peer: PeerId::new(words),
    };
    let id = Persona::id_of(&thread);
    assert!(id.as_str().len() <= 32 && Persona::is_stand_in(id.as_str()));
    let delivery = Delivery {
        verb: Verb::Get,
        query: words.to_owned(),
        body: Default::default(),
        received_at: super::NOW,
    };
    let _ = delivery.query_value("echostr");
}

/// An agent with two contacts in one chat says these words, and these words are shown: whatever is passed on goes to one of
/// the two, and nothing is passed on twice.
fn on_a_board(words: &str) {
    let texts = Texts::new(Locale::Zh);
    let buttons = [Button {
        digit: 1,
        label: "转接".to_owned(),
        says: "#transfer".to_owned(),
    }];
    let mut board = Board::default();
    for (number, name) in [(1, "小周"), (2, words)] {
        let from = Persona {
            id: PeerId::new(format!("kefu_{number}")),
            name: name.to_owned(),
            avatar_url: None,
        };
        let shown = Shown {
            from,
            conversation: ConversationId(number),
            seated: true,
            content: Content::text(words),
            by: ArrivalId(number),
        };
        board.show(shown, &buttons, &texts);
    }
    for said in [
        words.to_owned(),
        format!("@1 {words}"),
        format!("@2{words}"),
        format!("/{words}"),
    ] {
        let acts = board.said(Content::text(said), ArrivalId(3), &buttons, &texts);
        let passed = acts.iter().filter_map(|act| match act {
            Act::PassOn { to, .. } => Some(to.as_str()),
            _ => None,
        });
        let passed: Vec<&str> = passed.collect();
        assert!(
            passed.iter().all(|to| matches!(*to, "kefu_1" | "kefu_2")),
            "{passed:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_words_break_anything(words in prop_oneof![
            any::<String>(),
            "[#@/0-9 |\\-*_`\\[\\]()!<>&;a-c一二。\n\u{200d}\u{fe0f}👨👩]{0,400}",
        ]) {
            super::exercise(&words);
        }
    }

    #[test]
    fn the_seeds_are_survived() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/words");
        let mut seen = 0;
        for seed in std::fs::read_dir(folder).unwrap() {
            super::exercise(&String::from_utf8_lossy(
                &std::fs::read(seed.unwrap().path()).unwrap(),
            ));
            seen += 1;
        }
        assert!(seen >= 10, "{seen} seeds");
    }
}
