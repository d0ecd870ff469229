//! From where somebody comes: the page's origin, which must be known, and their address, which is counted.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::{HttpRequest, http::header};
use bridge_core::channel::Live;
use url::{Host, Url};

/// Whether the page that asks is one of ours or of a site that is named. Who does not say is no browser's page.
pub(super) fn is_admitted(request: &HttpRequest, live: &dyn Live, public_url: &str) -> bool {
    let text = |name| request.headers().get(name)?.to_str().ok();
    let Some(origin) = text(header::ORIGIN) else {
        return false;
    };
    live.admits(origin)
        || is_ours(origin, public_url)
        || is_this_machine(origin, text(header::HOST))
}

fn is_ours(origin: &str, public_url: &str) -> bool {
    Url::parse(public_url).is_ok_and(|url| url.origin().ascii_serialization() == origin)
}

/// A page that this server gave to a browser on this very machine. The address is a number: no name can be made to
/// lead here by somebody else.
fn is_this_machine(origin: &str, host: Option<&str>) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    is_loopback && authority.is_some() && authority == host
}

/// What is counted as one place: an IPv4 address, or the network of an IPv6 one, of which anybody has plenty.
pub(super) fn place(request: &HttpRequest, header: Option<&str>) -> String {
    let said = header.and_then(|name| {
        let last = request.headers().get_all(name).last()?;
        last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
    });
    let address = said.or_else(|| request.peer_addr().map(|peer| peer.ip()));
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_a_number_of_this_machine_is_this_machine() {
        assert!(is_this_machine(
            "http://127.0.0.1:9091",
            Some("127.0.0.1:9091")
        ));
        assert!(is_this_machine("http://[::1]:80", Some("[::1]:80")));
        for (origin, host) in [
            ("http://127.0.0.1:9091", Some("127.0.0.1:9092")),
            ("http://127.0.0.1:9091", None),
            ("http://evil.example:9091", Some("evil.example:9091")),
            (
                "http://localhost.evil.example",
                Some("localhost.evil.example"),
            ),
            ("null", Some("null")),
            ("", Some("")),
        ] {
            assert!(!is_this_machine(origin, host), "{origin}");
        }
    }

    #[test]
    fn our_own_origin_is_the_whole_of_it() {
        let public = "https://kefu.example.com/chat";
        assert!(is_ours("https://kefu.example.com", public));
        for origin in [
            "http://kefu.example.com",
            "https://kefu.example.com:8443",
            "https://kefu.example.com.evil.example",
        ] {
            assert!(!is_ours(origin, public), "{origin}");
        }
    }

    #[test]
    fn the_proxy_has_the_last_word_where_one_is_named() {
        let request = TestRequest::get()
            .peer_addr(([192, 0, 2, 1], 4000).into())
            .insert_header(("x-forwarded-for", "203.0.113.9, 198.51.100.7"))
            .to_http_request();
        assert_eq!(place(&request, None), "192.0.2.1");
        assert_eq!(place(&request, Some("x-forwarded-for")), "198.51.100.7");
        assert_eq!(place(&request, Some("x-real-ip")), "192.0.2.1");
    }

    #[test]
    fn a_network_is_one_place() {
        let at = |address: &str| {
            let peer = format!("[{address}]:1").parse().unwrap();
            place(&TestRequest::get().peer_addr(peer).to_http_request(), None)
        };
        assert_eq!(at("2001:db8:1:2::3"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::3"), at("2001:db8:1:3::3"));
        assert_eq!(at("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
