//! Callbacks as WeChat sends them, signed and encrypted, made before the clock starts.

use bridge_convertors::wechat::{crypto::AesKey, signature};

pub const TOKEN: &str = "benchCallbackTok";
pub const APP_ID: &str = "wx5f2c9d7a1b3e8046";
pub const KEY: &str = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Ml";
/// Contacts that messages are spread over.
const CONTACTS: u64 = 10_000;

/// Requests, each made once.
pub struct Made {
    left: u64,
    same: bool,
    next: u64,
    key: AesKey,
    start: u64,
}

impl Made {
    /// So many different ones.
    pub fn new(count: u64) -> Self {
        let start = std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |since| since.as_micros() as u64);
        // A key of our own, which is one.
        let key = AesKey::parse(KEY).unwrap_or_else(|error| panic!("{error}"));
        Self {
            left: count,
            same: false,
            next: 0,
            key,
            start,
        }
    }

    /// So many times the same one.
    pub fn the_same(count: u64) -> Self {
        Self {
            same: true,
            ..Self::new(count)
        }
    }

    /// The requests as bytes, dealt out among so many senders: together they send in the order of the ids, as a platform
    /// does that numbers its messages by time.
    pub fn share(&mut self, senders: usize) -> Vec<Vec<Vec<u8>>> {
        let each = (self.left as usize / senders).max(1);
        let mut shares = vec![Vec::with_capacity(each); senders];
        for _ in 0..each {
            shares.iter_mut().for_each(|share| share.push(self.make()));
        }
        shares
    }

    fn make(&mut self) -> Vec<u8> {
        self.next += 1;
        let number = if self.same { 0 } else { self.next };
        let contact = format!("oBench{:06}", number % CONTACTS);
        self.request(&contact, self.start + number, "订单 42 什么时候到？")
    }

    /// One message of a contact as an HTTP request.
    pub fn request(&self, contact: &str, id: u64, text: &str) -> Vec<u8> {
        request(&self.key, contact, id, text)
    }
}

/// One message as an HTTP request.
pub fn request(key: &AesKey, contact: &str, id: u64, text: &str) -> Vec<u8> {
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |since| since.as_secs());
    let plain = format!(
        "<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><FromUserName><![CDATA[{contact}]]></FromUserName><CreateTime>{now}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content><MsgId>{id}</MsgId></xml>"
    );
    let encrypted = key.seal(&plain, APP_ID, *b"0123456789abcdef");
    let (timestamp, nonce) = (now.to_string(), "20261121");
    let text_of = |signed: [u8; 40]| String::from_utf8_lossy(&signed).into_owned();
    let signed = text_of(signature::sign(&mut [TOKEN, &timestamp, nonce]));
    let message = text_of(signature::sign(&mut [TOKEN, &timestamp, nonce, &encrypted]));
    let body = format!(
        "<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    );
    format!(
        "POST /callback/mall?signature={signed}&timestamp={timestamp}&nonce={nonce}&encrypt_type=aes&msg_signature={message} HTTP/1.1\r\nhost: bench\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
