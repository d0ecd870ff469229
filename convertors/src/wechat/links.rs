//! Which `<a` in a text is a link (WeChat: 6.1, 6.2). The platform takes every one for a link and hides its markup; what
//! nobody meant as one (a line of HTML in an answer, a tag that is never closed) gets a wide bracket, and is shown.

/// The longest text the platform takes (WeChat: 6.1): the wide bracket is two bytes longer.
const TEXT: usize = 2048;

/// The text with every accidental `<a` made harmless.
pub(super) fn shown(text: String) -> String {
    let accidents = accidents(&text);
    if accidents.is_empty() {
        return text;
    }
    let wide = text.len() + 2 * accidents.len() <= TEXT;
    let bracket = if wide { "＜" } else { "[" };
    let mut harmless = String::with_capacity(text.len() + 2 * accidents.len());
    let mut from = 0;
    for at in accidents {
        harmless.push_str(&text[from..at]);
        harmless.push_str(bracket);
        from = at + 1;
    }
    harmless.push_str(&text[from..]);
    harmless
}

/// Where a `<` begins what would be taken for a link and is none.
fn accidents(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find('<').map(|step| at + step) {
        at = next + 1;
        if !opens(&text[next..]) {
            continue;
        }
        match link(&text[next..]) {
            Some(length) => at = next + length,
            None => found.push(next),
        }
    }
    found
}

/// Whether it would be taken for a link's beginning: `<a ` and `<a>`, not `<abbr` and `<アa`.
fn opens(text: &str) -> bool {
    let mut rest = text.chars().skip(1);
    matches!(rest.next(), Some('a' | 'A'))
        && rest
            .next()
            .is_none_or(|next| next.is_whitespace() || matches!(next, '>' | '/'))
}

/// The length of the link that a text begins with: a place to go, words to tap, and an end.
fn link(text: &str) -> Option<usize> {
    let (tag, rest) = text.split_once('>')?;
    let href = href(tag.get(1..).filter(|inside| !inside.contains('<'))?)?;
    let leads_somewhere = ["http://", "https://", "weixin://bizmsgmenu"]
        .iter()
        .any(|scheme| href.len() > scheme.len() && href.starts_with(scheme));
    let (words, _) = rest.split_once("</a>")?;
    let tappable = !words.trim().is_empty() && !words.contains("<a");
    (leads_somewhere && tappable).then(|| tag.len() + 1 + words.len() + "</a>".len())
}

/// The value of a tag's `href`.
fn href(tag: &str) -> Option<&str> {
    let (_, value) = tag.split_once("href=")?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, _) = value[1..].split_once(quote)?;
    (!value.contains(['<', '\n'])).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_that_are_meant_stay() {
        for link in [
            r#"<a href="https://shop.example/o/42">查看订单</a>"#,
            r#"<a href="https://shop.example/f" data-miniprogram-appid="wx5f2c9d7a1b3e8046" data-miniprogram-path="pages/order/index?id=42">打开小程序</a>"#,
            r#"<a href="weixin://bizmsgmenu?msgmenucontent=转人工&msgmenuid=101">转人工</a>"#,
            r#"<a target="_blank" href='http://a.example/'>看</a>"#,
        ] {
            let text = format!("您好，{link}，<b>a</b> < a 1<2 <abbr>");
            assert_eq!(shown(text.clone()), text);
        }
    }

    #[test]
    fn links_that_are_none_are_shown() {
        for (text, expected) in [
            ("<a>", "＜a>"),
            ("<a", "＜a"),
            (
                r#"写 <a href="https://x.example"> 即可"#,
                r#"写 ＜a href="https://x.example"> 即可"#,
            ),
            (r#"<a name="top">顶</a>"#, r#"＜a name="top">顶</a>"#),
            (r#"<a href="/cart">车</a>"#, r#"＜a href="/cart">车</a>"#),
            (
                r#"<A HREF="https://x.example">x</A>"#,
                r#"＜A HREF="https://x.example">x</A>"#,
            ),
            (
                r#"<a href="https://x.example"></a>"#,
                r#"＜a href="https://x.example"></a>"#,
            ),
            (
                r#"<a <a href="https://x.example">x</a>"#,
                r#"＜a <a href="https://x.example">x</a>"#,
            ),
        ] {
            assert_eq!(shown(text.to_owned()), expected);
        }
    }

    #[test]
    fn a_text_full_of_them_stays_within_the_limit() {
        let text = "<a>".repeat(600);
        let shown = shown(text.clone());
        assert_eq!(shown.len(), text.len());
        assert!(!shown.contains('<'), "{shown}");
    }

    proptest! {
        #[test]
        fn nothing_but_brackets_changes(text in "(<a |<a>|</a>|href=\"https://x\"|[<>\"a 你=/]){0,40}") {
            let shown = shown(text.clone());
            prop_assert_eq!(shown.replace('＜', "<"), text);
            prop_assert!(accidents(&shown).is_empty());
        }
    }
}
