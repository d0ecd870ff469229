//! Signatures by which WeCom's and WeChat's clients let a page use their scripts (WeCom: 5.6).

use sha1::{Digest, Sha1};

/// The signature for a page: lower-case hex. `url` is the page's address with its query and without what follows `#`;
/// nothing is encoded again.
pub fn signature(ticket: &str, nonce: &str, timestamp: i64, url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let signed = format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}");
    let digest = Sha1::digest(signed);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notes_vector() {
        let ticket = "sM4AOVdWfPE4DxkXGEs8VKEFU";
        for url in [
            "https://kf.example.com/sidebar?a=1&b=2",
            "https://kf.example.com/sidebar?a=1&b=2#/c/1",
        ] {
            let signed = signature(ticket, "Kf9nonce", 1_767_225_600, url);
            assert_eq!(signed, "8ad2edcf189a22b5433626d75fafdeedc19f829c");
        }
        let other = signature(
            ticket,
            "Kf9nonce",
            1_767_225_600,
            "https://kf.example.com/sidebar?a=1",
        );
        assert_ne!(other, "8ad2edcf189a22b5433626d75fafdeedc19f829c");
    }
}
