//! UserSig, checked with code of the sandbox's own (Tencent IM: UserSig, 2.1).

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// The largest JSON a UserSig may unpack to.
const LARGEST: u64 = 8 * 1024;

/// What a UserSig says about itself, once its signature is found right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ticket {
    pub issued: i64,
    pub expires: i64,
}

/// Checks a UserSig for an account. `Err` is the platform's code.
pub(crate) fn check(
    sig: &str,
    key: &str,
    app: u64,
    identifier: &str,
    now: i64,
) -> Result<Ticket, i64> {
    if sig.is_empty() {
        return Err(70002);
    }
    let json = unpack(sig)?;
    let text = |name: &str| json[name].as_str().unwrap_or_default();
    if text("TLS.ver") != "2.0" {
        return Err(70003);
    }
    if text("TLS.identifier") != identifier {
        return Err(70013);
    }
    if json["TLS.sdkappid"].as_u64() != Some(app) {
        return Err(70014);
    }
    let number = |name: &str| json[name].as_i64().ok_or(70003);
    let (issued, life) = (number("TLS.time")?, number("TLS.expire")?);
    let buffer = json["TLS.userbuf"].as_str();
    let expected = signature(key, &signed_text(identifier, app, issued, life, buffer));
    if text("TLS.sig") != expected {
        return Err(70009);
    }
    let expires = issued.saturating_add(life);
    match now > expires {
        true => Err(70001),
        false => Ok(Ticket { issued, expires }),
    }
}

/// The JSON inside. The alphabet is the platform's own, not base64url.
pub(crate) fn unpack(sig: &str) -> Result<Value, i64> {
    let standard: Option<String> = sig
        .chars()
        .map(|c| match c {
            '*' => Some('+'),
            '-' => Some('/'),
            '_' => Some('='),
            c if c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        })
        .collect();
    let packed = STANDARD.decode(standard.ok_or(70003)?).map_err(|_| 70003)?;
    let mut json = Vec::new();
    let mut unpacked = ZlibDecoder::new(packed.as_slice()).take(LARGEST);
    unpacked.read_to_end(&mut json).map_err(|_| 70005)?;
    serde_json::from_slice(&json).map_err(|_| 70005)
}

fn signed_text(identifier: &str, app: u64, time: i64, life: i64, buffer: Option<&str>) -> String {
    let mut text = format!(
        "TLS.identifier:{identifier}\nTLS.sdkappid:{app}\nTLS.time:{time}\nTLS.expire:{life}\n"
    );
    if let Some(buffer) = buffer {
        text.push_str(&format!("TLS.userbuf:{buffer}\n"));
    }
    text
}

fn signature(key: &str, text: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    const APP: u64 = 1_400_000_001;
    const KEY: &str = "3b9f0c1d2e4a5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8";
    const ISSUED: i64 = 1_700_000_000;

    const V1: &str = "eJw1jUELgjAYhv*K7BzyrZyNoEtBFwWD6tBR2ZwfMbVtxCz672nO9-g8D7wfcs0v8UsasovIOgayiv4EhWwd1jiLUmhs0TpTus4siRWPsu9RjAFNYB4NTvoejRxNCgkHCNShnhjdhnrhFtX0cgNbvBnPmqdU*ZA19Qm8OwvFdTUcGW-0JmWVt0V3uO-J9wd8vDYK";
    const V1_GO: &str = "eAEBsABP-3siVExTLnZlciI6IjIuMCIsIlRMUy5pZGVudGlmaWVyIjoiYWRtaW5pc3RyYXRvciIsIlRMUy5zZGthcHBpZCI6MTQwMDAwMDAwMSwiVExTLmV4cGlyZSI6NjA0ODAwLCJUTFMudGltZSI6MTcwMDAwMDAwMCwiVExTLnNpZyI6IlUwc096NThLaHFlZ0x5S2hmRjB4dFBkZzhtYnlDNThobTM2NWJ4c09vQlk9In0KLlI0tA__";
    const OTHERS: [(&str, i64, &str, &str); 4] = [
        (
            "kf_agent-01",
            86400,
            "u5llQGtrXrF27FwXbkYrKxgCAiIaNposLgNQf0sqJYI=",
            "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkstPiE9OBAroGhjAFxSnZiQUFmSlAaUMTAwgwhMqlVhRkFqUCZSzMgFJQwZLMXJCQoTlUMUy8ODMdZEWpaU5OoHtJUUSRm5G5W3lEUnZkkXdFurNjpmeiX0F*sU*6X2CaQXGhV6SnrVItAFZ7NKM_",
        ),
        (
            "wx_oABC123",
            15_552_000,
            "Z0xp9jYDKMiiBKdEWOhRAhBrd8WFrh3920JoYGKNuRQ=",
            "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkyivi8x2dnA2NjGHyxSnZiQUFmSlAWUMTAwgwhMqlVhRkFqWCZExNTY2AElDxksxcsKg5VD1MvDgzHWRJlEFFgWVWpIu3b2amk3eKa7h-RpBjhlNRikW4W1GGsaWRgVd*pLu3X2lQoK1SLQBLxjM6",
        ),
        (
            "visitor43",
            86400,
            "e/yJ4Ym/+NHig9LK+mv97KOKWSrg5KHJkU2crgD+AlQ=",
            "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkyjKLM0vyi0yMYdLFKdmJBQWZKUBJQxMDCDCEyqVWFGQWpQJlLMyAUlDBksxckJChOVQxTLw4Mx1kQap*pZdJZK6*tp9HZrqlj7d2bpmlube-d3hwUbqpt4dXdqhRclG6i7ZjTqCtUi0A3CUygg__",
        ),
        (
            "administrator",
            604_800,
            "nmo/5aeau+MWzw8BlwYJLosw8zM++i9mk3uJ66lT9bY=",
            "eJw9jc0KgkAYRV9FZmvYWGYauHEpuoiEcDkyY3zoOMP8ZBi9e5raXZ5z4L5Rmd*8J1Po4qCDh9HO*RGgrDfQwCII5dCDNooYobZE05ZICXQK-AAv81fHXhIUm0yIgwjjlRrgM-PPa71xq5mqbTM-pdck*R-AY0Y9F-sTYcS6xX0corQbqiwXeojGwnUh5u3RZmHYlXFdJejzBW87PDA_",
        ),
    ];

    fn pack(json: &str) -> String {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(json.as_bytes()).unwrap();
        let text = STANDARD.encode(encoder.finish().unwrap());
        text.replace('+', "*").replace('/', "-").replace('=', "_")
    }

    /// A UserSig as any server SDK would make it.
    pub(crate) fn make(key: &str, app: u64, identifier: &str, time: i64, life: i64) -> String {
        let sig = signature(key, &signed_text(identifier, app, time, life, None));
        let json = serde_json::json!({"TLS.ver": "2.0", "TLS.identifier": identifier, "TLS.sdkappid": app,
            "TLS.expire": life, "TLS.time": time, "TLS.sig": sig});
        pack(&json.to_string())
    }

    #[test]
    fn the_vectors_pass_in_every_shape_until_they_expire() {
        for sig in [V1, V1_GO] {
            let ticket = check(sig, KEY, APP, "administrator", ISSUED).unwrap();
            assert_eq!(ticket.expires, ISSUED + 604_800);
            assert_eq!(
                check(sig, KEY, APP, "administrator", ISSUED + 604_800),
                Ok(ticket)
            );
            assert_eq!(
                check(sig, KEY, APP, "administrator", ISSUED + 604_801),
                Err(70001)
            );
        }
        for (identifier, life, signed, sig) in OTHERS {
            let ticket = check(sig, KEY, APP, identifier, ISSUED).unwrap();
            assert_eq!(ticket.expires - ticket.issued, life);
            assert_eq!(unpack(sig).unwrap()["TLS.sig"], signed);
        }
    }

    #[test]
    fn what_we_make_decodes_to_the_vectors_json() {
        let made = make(KEY, APP, "administrator", ISSUED, 604_800);
        assert_eq!(unpack(&made), unpack(V1));
    }

    #[test]
    fn every_fault_has_its_code() {
        let code = |sig: &str, key, app, who| check(sig, key, app, who, ISSUED).unwrap_err();
        assert_eq!(code("", KEY, APP, "administrator"), 70002);
        assert_eq!(code(V1, "another key", APP, "administrator"), 70009);
        assert_eq!(code(V1, KEY, APP + 1, "administrator"), 70014);
        assert_eq!(code(V1, KEY, APP, "Administrator"), 70013);
        assert_eq!(code("a+b/", KEY, APP, "administrator"), 70003);
        assert_eq!(code(&pack("no json"), KEY, APP, "administrator"), 70005);
        assert_eq!(code(&V1[..100], KEY, APP, "administrator"), 70005);
        assert_eq!(
            code(&pack(&"x".repeat(100_000)), KEY, APP, "administrator"),
            70005
        );
    }

    #[test]
    fn base64url_is_not_its_alphabet() {
        // `-` for `+` and `_` for `/`, as a wrong encoder writes it.
        let v4 = OTHERS[2].3;
        let wrong = v4
            .replace('-', "/")
            .replace('_', "=")
            .replace('*', "-")
            .replace('/', "_");
        assert!(check(&wrong, KEY, APP, "visitor43", ISSUED).is_err());
    }
}
