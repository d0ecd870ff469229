use serde_json::Value;

use super::fixture;
use crate::tencent_im::sign::{self, SignError};
use crate::tencent_im::usersig::{self, Ticket, UserSigError};

struct Vector {
    ticket: Ticket,
    secret: String,
    usersigs: Vec<String>,
}

fn vectors() -> Vec<Vector> {
    let file: Value = serde_json::from_str(fixture!("usersig.json")).unwrap();
    let secret = file["secret"].as_str().unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 5);
    vectors
        .iter()
        .map(|vector| Vector {
            ticket: Ticket {
                version: "2.0".into(),
                identifier: vector["identifier"].as_str().unwrap().into(),
                sdk_app_id: file["sdk_app_id"].as_u64().unwrap(),
                expire: vector["expire"].as_u64().unwrap(),
                time: file["time"].as_u64().unwrap(),
                userbuf: vector["userbuf"].as_str().map(Into::into),
                sig: vector["sig"].as_str().unwrap().into(),
            },
            secret: secret.into(),
            usersigs: serde_json::from_value(vector["usersig"].clone()).unwrap(),
        })
        .collect()
}

#[test]
fn the_signature_is_the_vendors_byte_for_byte() {
    for Vector { ticket, secret, .. } in vectors() {
        let Ticket {
            sdk_app_id,
            identifier,
            time,
            expire,
            userbuf,
            ..
        } = ticket.clone();
        let ours = Ticket::signed(&secret, sdk_app_id, &identifier, time, expire, userbuf);
        assert_eq!(ours, ticket);
    }
}

#[test]
fn tickets_of_every_vendor_library_decode_to_the_same_fields() {
    for Vector {
        ticket, usersigs, ..
    } in vectors()
    {
        for usersig in usersigs {
            assert_eq!(usersig::decode(&usersig), Ok(ticket.clone()));
        }
    }
}

#[test]
fn our_ticket_decodes_to_the_same_fields() {
    for Vector { ticket, secret, .. } in vectors() {
        assert_eq!(
            usersig::decode(&usersig::encode(&ticket)),
            Ok(ticket.clone())
        );
        if ticket.userbuf.is_none() {
            let Ticket {
                sdk_app_id,
                identifier,
                time,
                expire,
                ..
            } = &ticket;
            let issued = usersig::issue(&secret, *sdk_app_id, identifier, *time, *expire);
            assert_eq!(usersig::decode(&issued), Ok(ticket));
        }
    }
}

#[test]
fn the_alphabet_is_tencents_not_rfc_4648s() {
    for Vector { usersigs, .. } in vectors() {
        for usersig in usersigs {
            let other = usersig
                .replace('-', "/")
                .replace('*', "+")
                .replace('_', "=");
            let changed = other != usersig;
            assert!(!changed || usersig::decode(&other).is_err(), "{other}");
        }
    }
}

#[test]
fn a_ticket_is_judged_by_its_key_and_its_time() {
    let Vector { ticket, secret, .. } = vectors().remove(0);
    let end = ticket.time + ticket.expire;
    assert_eq!(ticket.verify(&secret, ticket.time), Ok(()));
    assert_eq!(ticket.verify(&secret, end), Ok(()));
    assert_eq!(ticket.verify(&secret, end + 1), Err(UserSigError::Expired));
    assert_eq!(
        ticket.verify("another key", ticket.time),
        Err(UserSigError::WrongKey)
    );

    let longer = Ticket {
        expire: ticket.expire + 1,
        ..ticket.clone()
    };
    assert_eq!(longer.verify(&secret, end), Err(UserSigError::WrongKey));
    let eternal = Ticket {
        expire: u64::MAX,
        ..ticket
    };
    assert_eq!(eternal.verify(&secret, end), Err(UserSigError::WrongKey));
}

#[test]
fn a_ticket_that_inflates_without_end_is_refused() {
    use std::io::Write;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(&vec![b' '; 1_000_000]).unwrap();
    let bomb = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        zlib.finish().unwrap(),
    );
    let bomb = bomb.replace('+', "*").replace('/', "-").replace('=', "_");
    assert!(bomb.len() < 2_000);
    assert_eq!(usersig::decode(&bomb), Err(UserSigError::Malformed));
}

#[test]
fn callback_signs_are_those_of_the_notes() {
    let vectors = [
        (
            "kefu-token-001",
            "1700000000",
            "0f2ae464a9ef759a07b6c41519fa74d814a5d59fce7e37989334cb29364b6fd7",
        ),
        (
            "xxxyyy",
            "1669872112",
            "e78a85473bed2cdc8d6fa8c4d5a4ba4735fd64156e15a99516b9890293e135de",
        ),
        (
            "xxxxyyyy",
            "1669872112",
            "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061",
        ),
    ];
    for (token, time, wanted) in vectors {
        assert_eq!(sign::sign(token, time), wanted);
        let now = time.parse().unwrap();
        assert_eq!(
            sign::check(token, Some(time), Some(wanted), now, 300),
            Ok(())
        );
    }
}

#[test]
fn a_callback_is_believed_within_the_window_only() {
    let (token, at) = ("kefu-token-001", "1700000000");
    let signed = sign::sign(token, at);
    let check = |now| sign::check(token, Some(at), Some(&signed), now, 300);
    assert_eq!(check(1_700_000_300), Ok(()));
    assert_eq!(check(1_699_999_700), Ok(()));
    assert_eq!(check(1_700_000_301), Err(SignError::Stale { off_by: 301 }));
    assert_eq!(check(1_699_999_699), Err(SignError::Stale { off_by: 301 }));
}

#[test]
fn a_wrong_or_missing_sign_is_refused() {
    let (token, at, now) = ("kefu-token-001", "1700000000", 1_700_000_000);
    let signed = sign::sign(token, at);
    for wrong in [
        "",
        "00",
        &signed[1..],
        &sign::sign("another", at),
        &"z".repeat(64),
        &"é".repeat(32),
    ] {
        assert_eq!(
            sign::check(token, Some(at), Some(wrong), now, 300),
            Err(SignError::Wrong)
        );
    }
    assert_eq!(
        sign::check(token, Some("1700000001"), Some(&signed), now, 300),
        Err(SignError::Wrong)
    );
    assert_eq!(
        sign::check(token, None, Some(&signed), now, 300),
        Err(SignError::Missing)
    );
    assert_eq!(
        sign::check(token, Some(at), None, now, 300),
        Err(SignError::Missing)
    );
    let worded = sign::sign(token, "yesterday");
    assert_eq!(
        sign::check(token, Some("yesterday"), Some(&worded), now, 300),
        Err(SignError::Wrong)
    );
}
