//! What each kind of field of a subscription template takes (WeChat notes, 4.8).

/// Whether a value fits a field, by the field's name: `thing1`, `time3`.
pub(super) fn fits(field: &str, value: &str) -> bool {
    let kind = field.trim_end_matches(|c: char| c.is_ascii_digit());
    let length = value.chars().count();
    let all = |test: fn(char) -> bool| value.chars().all(test);
    if length == 0 {
        return false;
    }
    match kind {
        "thing" => length <= 20 && !value.contains('\n'),
        "number" => length <= 32 && all(|c| c.is_ascii_digit() || c == '.'),
        "letter" => length <= 32 && all(|c| c.is_ascii_alphabetic()),
        "symbol" => length <= 5 && all(|c| !c.is_alphanumeric()),
        "character_string" => length <= 32 && value.is_ascii(),
        "phone_number" => length <= 17 && all(|c| c.is_ascii_digit() || c.is_ascii_punctuation()),
        "car_number" => length <= 8,
        "name" => match value.is_ascii() {
            true => length <= 20 && all(|c| c.is_ascii_alphabetic() || c == ' '),
            false => length <= 10 && all(chinese),
        },
        "phrase" => length <= 5 && all(chinese),
        "amount" => length <= 12,
        "time" | "date" => length <= 32 && value.contains([':', '年', '-']),
        "enum" => true,
        _ => false,
    }
}

fn chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_notes() {
        for (field, value) in [
            ("thing1", "您的订单已发出，请留意查收"),
            ("character_string1", "SF10086"),
            ("time3", "2025年1月1日 08:00"),
            ("phrase2", "已处理"),
            ("name1", "林小满"),
            ("amount4", "¥128.50"),
        ] {
            assert!(fits(field, value), "{field} {value}");
        }
        for (field, value) in [
            ("thing1", "一二三四五六七八九十一二三四五六七八九十一"),
            ("thing1", ""),
            ("character_string1", "单号"),
            ("phrase2", "ok"),
            ("name1", "林 Lin"),
            ("words1", "x"),
        ] {
            assert!(!fits(field, value), "{field} {value}");
        }
    }
}
