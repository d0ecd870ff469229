//! What models write, and that no word of it is lost.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{plain, rewrite};

#[test]
fn marks_go_and_words_stay() {
    let cases = [
        ("# 标题\n正文", "标题\n正文"),
        ("正文\n## 标题 ##\n下文", "正文\n\n标题\n下文"),
        ("##标题", "标题"),
        ("#1 和 #tag", "#1 和 #tag"),
        ("# C#", "C#"),
        ("**“重点”**文字", "“重点”文字"),
        ("这是*重点*吧", "这是重点吧"),
        ("***都是***", "都是"),
        ("**粗*斜***", "粗斜"),
        ("**没有结尾", "没有结尾"),
        ("**第一行\n第二行**", "第一行\n第二行"),
        ("5*3*2 = 30，2**3 = 8", "5*3*2 = 30，2**3 = 8"),
        ("snake_case_name 和 __init__", "snake_case_name 和 init"),
        ("_强调_", "强调"),
        ("~~旧价~~ 10~20 元", "旧价 10~20 元"),
        ("`code *x*` 和 ``a`b``", "code *x* 和 a`b"),
        ("\\*不是强调\\*", "*不是强调*"),
        (
            "[官网](https://x.test/a_b_c)",
            "官网 (https://x.test/a_b_c)",
        ),
        ("[https://x.test](https://x.test)", "https://x.test"),
        (
            "[邮箱](mailto:a@b.cn \"写信\")",
            "邮箱 (mailto:a@b.cn \"写信\")",
        ),
        ("[**粗**](https://x.test/(1))", "粗 (https://x.test/(1))"),
        ("![图](https://x.test/a.png)", "图 (https://x.test/a.png)"),
        ("![](https://x.test/a.png)", "https://x.test/a.png"),
        ("[只是括号] (和这个)", "[只是括号] (和这个)"),
        ("<https://x.test> <a@b.cn>", "https://x.test a@b.cn"),
        (
            "<a href=\"https://x.test\">这里</a>",
            "这里 (https://x.test)",
        ),
        ("一<br>二<br/>三", "一\n二\n三"),
        ("<b>粗</b> a < b 且 c > d", "粗 a < b 且 c > d"),
        (
            "A &amp; B &lt;3 &#20320; &unknown; &",
            "A & B <3 你 &unknown; &",
        ),
        ("- 一\n- 二\n  - 三\n* 四", "• 一\n• 二\n  • 三\n• 四"),
        ("1. 一\n2) 二\n3.14 是数", "1. 一\n2) 二\n3.14 是数"),
        ("- [ ] 待办\n- [x] 完成", "☐ 待办\n☑ 完成"),
        ("> 引用\n> > 两层", "引用\n两层"),
        ("一\n\n\n\n二", "一\n\n二"),
        ("上\n\n---\n下", "上\n\n————\n下"),
        ("标题\n====\n正文", "标题\n正文"),
        (
            "```rust\nlet x = **y**;\n  # no\n```\n后",
            "let x = **y**;\n  # no\n后",
        ),
        ("``` 有 字\na\n```", "有 字\na"),
        ("~~~\n没有结尾", "没有结尾"),
        ("", ""),
        ("   ", ""),
    ];
    for (markdown, text) in cases {
        assert_eq!(plain(markdown), text, "{markdown:?}");
    }
}

#[test]
fn a_table_reads_row_by_row() {
    let table = "价格：\n\n| 商品 | **价格** | 备注 |\n|:--|--:|---|\n| A\\|B | 10 | |\n| C | `20` | 热卖 |\n\n完";
    let text = "价格：\n\n• 商品: A|B; 价格: 10\n• 商品: C; 价格: 20; 备注: 热卖\n\n完";
    assert_eq!(plain(table), text);
    assert_eq!(plain("a | b\n--|--"), "a | b");
    assert_eq!(plain("| 名 | 空 |\n|-|-|\n| 一 | |"), "名 | 空\n• 名: 一");
    assert_eq!(plain("a | b\n不是表"), "a | b\n不是表");
}

#[test]
fn references_in_code_are_no_references() {
    let cut = |text: &str| rewrite(text, |found| found.is_image.then(String::new));
    assert_eq!(cut("a![x](y)b [l](u)"), "ab [l](u)");
    assert_eq!(cut("`![x](y)` \\![x](y)"), "`![x](y)` \\![x](y)");
    assert_eq!(cut("```\n![x](y)\n```\n![x](y)"), "```\n![x](y)\n```\n");
    assert_eq!(cut("![x](<a b> \"t\")![x]()![x](a b)"), "![x]()![x](a b)");
}

#[test]
fn no_text_makes_it_slow() {
    let begun = Instant::now();
    for piece in [
        "[",
        "![",
        "`",
        "*",
        "**a",
        "<",
        "[](",
        "|",
        "a|",
        "> ",
        "_a",
        "&",
        "\\",
        "<a href='",
        "` `` ",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        plain(&text);
        rewrite(&text, |_| None);
    }
    // Seconds for three megabytes in a debug build: far from what one quadratic path would take.
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

/// A quarter of a megabyte, as large as an answer may be, stays within reach of it.
#[test]
fn a_table_with_a_long_name_and_many_rows_stays_small() {
    let name = "列".repeat(40_000);
    let text = format!("|{name}|b|\n|-|-|\n{}", "|1|2|\n".repeat(20_000));
    let plain = plain(&text);
    assert!(plain.len() < 3 * text.len(), "{}", plain.len());
    assert!(plain.starts_with(&name) && plain.contains("• 1; b: 2"));
}

/// How often each letter and digit stands in `text`.
fn letters(text: &str) -> HashMap<char, usize> {
    let mut counts = HashMap::new();
    for letter in text.chars().filter(|c| c.is_alphanumeric()) {
        *counts.entry(letter).or_default() += 1;
    }
    counts
}

fn first_lost(markdown: &str) -> Option<char> {
    let kept = letters(&plain(markdown));
    let mut all = letters(markdown).into_iter();
    all.find(|(c, n)| kept.get(c).copied().unwrap_or_default() < *n)
        .map(|(c, _)| c)
}

/// A fence with something behind it.
fn names_language(line: &str) -> bool {
    let fence = line.trim_start_matches(['>', ' ']);
    let info = fence.trim_start_matches(['`', '~']);
    fence.len() - info.len() >= 3 && !info.trim().is_empty()
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in any::<String>()) {
        plain(&text);
        rewrite(&text, |_| None);
    }

    /// A soup of words and marks. Left out are those that hold letters: tags, entities, a fence's language.
    #[test]
    fn no_word_is_lost(parts in prop::collection::vec(prop_oneof![
        "[a-w0-9]{1,4}", "[一-龥]{1,3}",
        prop::sample::select(vec![
            " ", "\n", "\n\n", "*", "**", "***", "_", "__", "~~", "`", "``", "\n```\n", "\n~~~\n",
            "[", "](", ")", "!", "![", "# ", "\n# ", "\n## ", "\n- ", "\n1. ", "\n> ", "|", "\n|-|-|\n",
            "\n---\n", "\\", ">", "(", "\"", ": ", "\n| ", " |\n", ";",
        ]).prop_map(str::to_owned),
    ], 0..60)) {
        let text = parts.concat();
        prop_assume!(!text.lines().any(names_language));
        prop_assert_eq!(first_lost(&text), None, "{:?} -> {:?}", text, plain(&text));
    }

    #[test]
    fn rewriting_nothing_changes_nothing(text in "[a-c\\[\\]()!`\\\\ \n~<>]{0,80}") {
        prop_assert_eq!(rewrite(&text, |_| None), text);
    }

    /// Plain words pass as they are.
    #[test]
    fn plain_words_stay(words in "[一-龥a-z0-9，。？！]{1,40}( [一-龥a-z0-9，。]{1,20}){0,3}") {
        prop_assert_eq!(plain(&words), words);
    }
}
