//! The plugin guide shows this guard whole, in both languages.

#[test]
fn the_guides_show_the_guard_as_it_is() {
    let code = include_str!("../src/lib.rs");
    let (code, _) = code.split_once("\n#[cfg(test)]").expect("tests come last");
    for guide in [
        include_str!("../../../docs/plugin-guide.md"),
        include_str!("../../../docs/plugin-guide.zh-CN.md"),
    ] {
        assert!(guide.contains(code.trim_end()), "{code}");
    }
}
