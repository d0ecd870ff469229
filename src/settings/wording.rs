//! What serde and the TOML parser say, put into words by which an operator finds and mends the place: Chinese beside
//! English, the nearest key, the line itself.

use std::{io, path::Path};

use super::Fault;

/// A file that cannot be read. Its language is not known yet, so both are said.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Fault {
    let (zh, en, example) = match error.kind() {
        io::ErrorKind::NotFound => (
            "没有这个文件",
            "there is no such file",
            "kefu-bridge config example > config.toml",
        ),
        io::ErrorKind::IsADirectory => (
            "这是一个目录，要写配置文件的路径",
            "is a folder; name the file in it",
            "-c config.toml",
        ),
        io::ErrorKind::PermissionDenied => (
            "没有读取权限",
            "this user may not read it",
            "chmod u+r, chown",
        ),
        io::ErrorKind::InvalidData => (
            "不是 UTF-8 编码，请另存为 UTF-8",
            "is not UTF-8; save it as UTF-8",
            "iconv -f GBK -t UTF-8",
        ),
        _ => {
            return both(
                path.display().to_string(),
                &error.to_string(),
                "cannot be read",
                "",
            );
        }
    };
    both(path.display().to_string(), zh, en, example)
}

fn both(path: String, zh: &str, en: &str, example: &str) -> Fault {
    Fault::new(path, format!("{zh} / {en}"), en, example)
}

/// A file that is no TOML: the line, what is written there, and the usual slips.
pub(super) fn of_toml(text: &str, error: &toml::de::Error) -> Fault {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let number = text[..start].matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default().trim();
    // A line of the file may hold a secret; only its key is shown.
    let shown = line.split_once('=').map_or(line, |(key, _)| key.trim_end());
    let shown: String = shown.chars().take(60).collect();
    let message = error.message();
    let (zh, en) = slip(line, message);
    both(format!("line {number} ({shown})"), &zh, &en, "")
}

fn slip(line: &str, message: &str) -> (String, String) {
    let say = |zh: &str, en: &str| (zh.to_owned(), format!("{en} [{message}]"));
    if line.contains(['“', '”', '‘', '’']) {
        return say("要用英文引号 \"…\"，不能用中文引号", "quotes must be \"…\"");
    }
    if message.contains("duplicate key") {
        return say("这个键或配置段重复了", "this key or section is there twice");
    }
    if line.starts_with('{') {
        return say("配置文件是 TOML，不是 JSON", "the file is TOML, not JSON");
    }
    if line.contains(['：', '＝']) || (!line.contains('=') && line.contains(':')) {
        return say(
            "键和值之间用英文等号 =",
            "a key and its value are parted by =",
        );
    }
    if line.contains('=') {
        return say(
            "值的写法不对：文字要放在英文双引号里，数字和 true、false 不加",
            "the value is not written right: words are put in quotes, numbers and truth values are not",
        );
    }
    (format!("不是 TOML 的写法：{message}"), message.to_owned())
}

/// A value that is not what its key asks for, as serde says it: Chinese, English, an example.
pub(super) fn of_value(said: &str) -> (String, String, String) {
    let quoted = names(said);
    let (name, there) = match quoted.split_first() {
        Some((name, there)) => (*name, there),
        None => ("", &[][..]),
    };
    let list = there.join(", ");
    if said.starts_with("unknown field") {
        let example = nearest(name, there.iter().copied());
        return (
            format!("没有 {name} 这个键；可用：{list}"),
            format!("there is no key {name}; there are: {list}"),
            example,
        );
    }
    if said.starts_with("unknown variant") {
        let example = nearest(name, there.iter().copied());
        return (
            format!("不能是 {name}；可用：{list}"),
            format!("cannot be {name}; it can be: {list}"),
            format!("\"{example}\""),
        );
    }
    if said.starts_with("missing field") {
        return (
            format!("缺少 {name}"),
            format!("{name} is missing"),
            format!("{name} = …"),
        );
    }
    if let Some(rest) = said
        .strip_prefix("invalid type: ")
        .or(said.strip_prefix("invalid value: "))
        && let Some((given, wanted)) = rest.rsplit_once(", expected ")
    {
        let (zh, example) = kind(wanted, given);
        let given_zh = given_in_chinese(given);
        let english = format!("is {given}, and should be {}", in_english(wanted));
        return (
            format!("写的是{given_zh}，应为{zh}"),
            english,
            example.to_owned(),
        );
    }
    if said.contains("socket address") {
        return (
            "应为“地址:端口”，地址用数字".to_owned(),
            "must be an IP address and a port".to_owned(),
            "\"127.0.0.1:8080\", \"0.0.0.0:8080\"".to_owned(),
        );
    }
    if said.contains("is not a duration") {
        let given = said.split(" is not").next().unwrap_or_default();
        return (
            format!("{given} 不是时长：数字后写单位 ms、s、m、h、d"),
            format!("{given} is not a duration: a number and ms, s, m, h or d"),
            "\"30s\", \"24h\"".to_owned(),
        );
    }
    (said.to_owned(), said.to_owned(), String::new())
}

/// What stands between backticks.
fn names(said: &str) -> Vec<&str> {
    said.split('`').skip(1).step_by(2).collect()
}

/// A number as Rust calls it is nobody's word for one.
fn in_english(wanted: &str) -> &str {
    match wanted {
        whole if whole.contains("nonzero") => "a whole number, 1 or more",
        whole if whole.starts_with('u') && is_number(whole) => "a whole number, 0 or more",
        whole if whole.starts_with('i') && is_number(whole) => "a whole number",
        other => other,
    }
}

fn kind<'a>(wanted: &'a str, given: &str) -> (&'a str, &'static str) {
    let is_number_too = given.starts_with("integer") || given.starts_with("floating");
    match wanted {
        whole if whole.contains("nonzero") && is_number_too => ("1 或更大的整数", "10"),
        whole if whole.starts_with('u') && is_number(whole) && is_number_too => {
            ("0 或更大的整数", "10")
        }
        "a string" => ("放在英文双引号里的文字", "\"…\""),
        "a boolean" => (" true 或 false，不加引号", "true"),
        "a sequence" => ("列表", "[\"…\"]"),
        "a map" => ("配置段或 { 键 = 值 }", ""),
        "socket address" => ("“地址:端口”", "\"127.0.0.1:8080\""),
        number if is_number(number) => ("数字，不加引号", "10"),
        other => (other, ""),
    }
}

fn is_number(wanted: &str) -> bool {
    let kinds = [
        "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "f32", "f64",
    ];
    kinds.contains(&wanted) || wanted.contains("nonzero")
}

fn given_in_chinese(given: &str) -> String {
    let value = names(given).first().map_or("", |value| *value);
    match given.split([' ', '`']).next() {
        Some("integer" | "floating") => format!("数字 {value}"),
        Some("boolean") => format!(" {value}"),
        Some("string") => format!("文字 {}", given.trim_start_matches("string ")),
        Some("sequence") => "列表".to_owned(),
        Some("map") => "配置段".to_owned(),
        _ => format!(" {given}"),
    }
}

/// The likeliest of what there is.
pub(super) fn nearest<'a>(name: &str, among: impl IntoIterator<Item = &'a str>) -> String {
    among
        .into_iter()
        .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)))
        .unwrap_or_default()
        .to_owned()
}
