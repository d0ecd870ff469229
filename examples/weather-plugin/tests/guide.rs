//! The plugin guide says the same in both languages: every block of code in it is the same.

fn blocks(guide: &str) -> Vec<&str> {
    guide.split("```").skip(1).step_by(2).collect()
}

#[test]
fn both_guides_show_the_same_code() {
    let english = include_str!("../../../docs/plugin-guide.md");
    let chinese = include_str!("../../../docs/plugin-guide.zh-CN.md");
    assert_eq!(blocks(english), blocks(chinese));
    assert!(blocks(english).len() > 8);
}
