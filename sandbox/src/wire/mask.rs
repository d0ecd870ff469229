//! Hiding secrets in what is recorded: enough stays to recognise a value, too little to use it.

/// Query keys, form fields and JSON keys whose values are secrets.
const SECRET_KEYS: &[&str] = &[
    "access_token",
    "usersig",
    "secret",
    "appsecret",
    "corpsecret",
    "ticket",
    "token",
    "api_key",
    "refresh_token",
];

/// Query keys that are secrets, but ordinary words in a body: a robot's `key` (WeCom notes, 4.4).
const SECRET_IN_URLS: &[&str] = &["key"];

/// Headers worth showing.
const SHOWN_HEADERS: &[&str] = &[
    "content-type",
    "content-length",
    "content-disposition",
    "authorization",
    "user-agent",
    "x-version",
];

/// How much of a secret is shown.
const SHOWN: usize = 6;

/// The header if it matters, its secret masked.
pub(super) fn header((name, value): &(String, String)) -> Option<(String, String)> {
    let name = name.to_ascii_lowercase();
    if !SHOWN_HEADERS.contains(&name.as_str()) {
        return None;
    }
    if name != "authorization" {
        return Some((name, value.clone()));
    }
    let (scheme, secret) = value.split_once(' ').unwrap_or(("", value));
    Some((name, format!("{scheme} {}", hidden(secret))))
}

/// Masks the values of secret query parameters.
pub(super) fn url(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((key, value)) if is_secret(key) || SECRET_IN_URLS.contains(&key) => {
            format!("{key}={}", hidden(value))
        }
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// Masks the string values of secret JSON keys, whatever surrounds them, and the one secret of decrypted callbacks.
pub(super) fn body(text: &str) -> String {
    let mut masked = mask_element(text);
    for key in SECRET_KEYS {
        let quoted = format!("\"{key}\"");
        if masked.contains(&quoted) {
            masked = mask_values(&masked, &quoted);
        }
    }
    masked
}

/// What a KF callback's `Token` holds pulls messages for ten minutes (WeCom notes, 3.1).
fn mask_element(text: &str) -> String {
    const OPEN: &str = "<Token><![CDATA[";
    let found = text.split_once(OPEN);
    let found = found.and_then(|(before, rest)| Some((before, rest.split_once("]]>")?)));
    match found {
        Some((before, (token, after))) => format!("{before}{OPEN}{}]]>{after}", hidden(token)),
        None => text.to_owned(),
    }
}

fn mask_values(text: &str, quoted: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(quoted) {
        let (before, after) = rest.split_at(at + quoted.len());
        masked.push_str(before);
        rest = after;
        if let Some((gap, value, tail)) = string_value(rest) {
            masked.push_str(gap);
            masked.push_str(&hidden(value));
            rest = tail;
        }
    }
    masked + rest
}

/// Splits `: "value"…` into what precedes the value, the value, and what follows it.
fn string_value(text: &str) -> Option<(&str, &str, &str)> {
    let colon = text.trim_start().strip_prefix(':')?;
    let value = colon.trim_start().strip_prefix('"')?;
    let gap = &text[..text.len() - value.len()];
    let end = value.find('"')?;
    Some((gap, &value[..end], &value[end..]))
}

fn is_secret(key: &str) -> bool {
    SECRET_KEYS
        .iter()
        .any(|secret| key.eq_ignore_ascii_case(secret))
}

fn hidden(value: &str) -> String {
    let shown: String = value.chars().take(SHOWN).collect();
    // A short secret would be shown whole.
    match value.chars().count() > 2 * SHOWN {
        true => format!("{shown}…"),
        false => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_keep_their_shape_and_lose_their_secrets() {
        assert_eq!(
            url("/cgi-bin/token?appid=wx1&secret=0123456789abcdef&x=1"),
            "/cgi-bin/token?appid=wx1&secret=012345…&x=1"
        );
        assert_eq!(url("/a?usersig=short"), "/a?usersig=…");
        assert_eq!(
            url("/webhook/send?key=693a1c6f-7a0c"),
            "/webhook/send?key=693a1c…"
        );
        assert_eq!(url("/plain"), "/plain");
    }

    #[test]
    fn json_loses_its_secrets_however_it_is_spaced() {
        assert_eq!(
            body(r#"{"appid":"wx1","secret" : "0123456789abcdef","n":1}"#),
            r#"{"appid":"wx1","secret" : "012345…","n":1}"#
        );
        assert_eq!(
            body(r#"{"access_token":"72_0123456789","expires_in":7200}"#),
            r#"{"access_token":"72_012…","expires_in":7200}"#
        );
        assert_eq!(body(r#"{"secret":12}"#), r#"{"secret":12}"#);
    }

    #[test]
    fn a_decrypted_callback_loses_its_token() {
        assert_eq!(
            body("<xml><Token><![CDATA[ENCsyncTok0001]]></Token><OpenKfId>wk1</OpenKfId></xml>"),
            "<xml><Token><![CDATA[ENCsyn…]]></Token><OpenKfId>wk1</OpenKfId></xml>"
        );
        assert_eq!(
            url("/gettoken?corpid=ww1&corpsecret=7dR2mXq0Vb9TnLc4YsKp"),
            "/gettoken?corpid=ww1&corpsecret=7dR2mX…"
        );
        assert_eq!(
            body(r#"{"token":"ENCsyncTok0001"}"#),
            r#"{"token":"ENCsyn…"}"#
        );
    }

    #[test]
    fn headers_that_say_nothing_are_left_out() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(header(&pair("Accept", "*/*")), None);
        let masked = header(&pair("Authorization", "Bearer app-0123456789abc"));
        assert_eq!(masked, Some(pair("authorization", "Bearer app-01…")));
    }
}
