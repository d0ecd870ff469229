//! Subscription messages out (WeChat: 4.8): the body, and values cut to what each kind of field takes. A value that is too
//! long, empty or of the wrong script is refused (47003), and the refusal would cost the only grant there is.

use std::collections::BTreeMap;

use serde::Serialize;

/// `POST /cgi-bin/message/subscribe/send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscribeSend<'a> {
    /// The openid.
    pub touser: &'a str,
    /// Which template; one grant of it is spent.
    pub template_id: &'a str,
    /// The page a tap opens, with its query; empty: none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub page: &'a str,
    /// `developer`, `trial` or `formal`.
    pub miniprogram_state: &'a str,
    /// `zh_CN`, `en_US`, `zh_HK`, `zh_TW`.
    pub lang: &'a str,
    /// The template's fields by name: `thing1`, `time3`.
    pub data: BTreeMap<&'a str, Value>,
}

/// One field's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Value {
    /// Fitting the field's kind.
    pub value: String,
}

/// The kinds of field a template may have.
pub const KINDS: [&str; 13] = [
    "thing",
    "number",
    "letter",
    "symbol",
    "character_string",
    "time",
    "date",
    "amount",
    "phone_number",
    "car_number",
    "name",
    "phrase",
    "enum",
];

/// A field's kind: its name without the number behind it. `None` where the platform has no such kind.
pub fn kind(field: &str) -> Option<&'static str> {
    let word = field.trim_end_matches(|c: char| c.is_ascii_digit());
    if word.len() == field.len() {
        return None;
    }
    KINDS.into_iter().find(|kind| *kind == word)
}

/// A value as a field of that name takes it; `otherwise` where nothing of it is left.
pub fn fit(field: &str, value: &str, otherwise: &str) -> String {
    let fitted = fitted(kind(field).unwrap_or("thing"), value);
    match fitted.is_empty() {
        true => otherwise.to_owned(),
        false => fitted,
    }
}

fn fitted(kind: &str, value: &str) -> String {
    let kept =
        |keep: fn(char) -> bool, most| value.chars().filter(|c| keep(*c)).take(most).collect();
    match kind {
        "number" => kept(|c| c.is_ascii_digit() || c == '.', 32),
        "letter" => kept(|c| c.is_ascii_alphabetic(), 32),
        "symbol" => kept(|c| c.is_ascii_punctuation(), 5),
        "character_string" => kept(|c| c.is_ascii_graphic(), 32),
        "phone_number" => kept(|c| c.is_ascii_digit() || c.is_ascii_punctuation(), 17),
        "car_number" => kept(|c| c.is_ascii_alphanumeric() || is_chinese(c), 8),
        "phrase" => kept(is_chinese, 5),
        // One script at a time.
        "name" if value.chars().any(is_chinese) => kept(is_chinese, 10),
        "name" => kept(|c| c.is_ascii_alphabetic(), 20),
        "thing" => shortened(value, 20),
        _ => shortened(value, 32),
    }
}

/// At most `most` characters on one line, the last a `…` where something was cut.
pub fn shortened(text: &str, most: usize) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= most {
        return line;
    }
    let mut cut: String = line.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_takes_what_it_takes() {
        let cases = [
            (
                "thing2",
                "您的订单 42\n已发出，请留意查收，谢谢您的耐心",
                "您的订单 42 已发出，请留意查收，谢…",
            ),
            ("thing2", "好的", "好的"),
            ("name1", "林小满 Lin", "林小满"),
            ("name1", "Lin Xiaoman", "LinXiaoman"),
            ("phrase4", "客服已经回复了您", "客服已经回"),
            ("character_string1", "单号 SF10086", "SF10086"),
            ("number1", "共 3.5 件", "3.5"),
            ("time3", "2025年1月1日 08:00", "2025年1月1日 08:00"),
            ("phrase4", "ok", "客服"),
        ];
        for (field, value, fits) in cases {
            assert_eq!(fit(field, value, "客服"), fits, "{field}");
        }
    }

    #[test]
    fn a_field_has_a_known_kind_and_a_number() {
        assert_eq!(kind("character_string12"), Some("character_string"));
        for field in ["thing", "things1", "1", "", "thing1x"] {
            assert_eq!(kind(field), None, "{field}");
        }
    }

    proptest! {
        #[test]
        fn a_thing_never_exceeds_20_and_is_never_empty(value in "\\PC{0,80}") {
            let fits = fit("thing1", &value, "新消息");
            prop_assert!((1..=20).contains(&fits.chars().count()), "{fits}");
        }
    }
}
