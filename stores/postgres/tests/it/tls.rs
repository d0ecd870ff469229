//! The wire to a database that asks for encryption: companies' and managed ones do.

use std::{net::SocketAddr, sync::Arc};

use bridge_core::{
    clock::SystemClock,
    store::{Records, StoreError},
};
use bridge_store_postgres::Postgres;
use bridge_testkit::proxy::authority;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::fresh;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");
/// What a client asks for encryption with (PostgreSQL: frontend/backend protocol, SSLRequest).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A server that talks to nobody in the clear, called `localhost`, whose certificate an authority of the tests signed; behind
/// it the real one.
async fn encrypted(upstream: &str) -> SocketAddr {
    let certificate = CertificateDer::from_pem_file(format!("{FIXTURES}/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{FIXTURES}/server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = upstream.to_owned();
    tokio::spawn(async move {
        while let Ok((wire, _)) = listener.accept().await {
            let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
            tokio::spawn(async move { talk(wire, acceptor, &upstream).await.ok() });
        }
    });
    address
}

async fn talk(
    mut wire: TcpStream,
    acceptor: TlsAcceptor,
    upstream: &str,
) -> Result<(), std::io::Error> {
    let mut asked = [0; 8];
    wire.read_exact(&mut asked).await?;
    if asked != SSL_REQUEST {
        return Ok(());
    }
    wire.write_all(b"S").await?;
    let mut wire = acceptor.accept(wire).await?;
    let mut server = TcpStream::connect(upstream).await?;
    copy_bidirectional(&mut wire, &mut server).await.map(drop)
}

/// Connects over an encrypted wire, by that name and with these options.
async fn connect(host: &str, options: &str) -> Result<Arc<Postgres>, StoreError> {
    let url = fresh::schema().await;
    let port = encrypted(authority(&url)).await.port();
    let place = format!("{host}:{port}");
    let url = format!("{}&{options}", url.replace(authority(&url), &place));
    Postgres::connect(&url, Arc::new(SystemClock), fresh::options()).await
}

fn refused(connected: Result<Arc<Postgres>, StoreError>) -> String {
    match connected {
        Err(StoreError::Unavailable(reason)) => reason,
        other => panic!("{:?}", other.map(drop)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_trusted_when_it_is_named() {
    for mode in ["require", "verify-ca", "verify-full", "prefer"] {
        let options = format!("sslmode={mode}&sslrootcert={FIXTURES}/authority.pem");
        let store = connect("localhost", &options).await.unwrap();
        store.ping().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_checked_is_refused_and_it_is_said_what_to_do() {
    for mode in ["prefer", "require", "verify-full"] {
        let reason = refused(connect("localhost", &format!("sslmode={mode}")).await);
        assert!(reason.contains("sslrootcert="), "{mode}: {reason}");
    }
    let authority = format!("sslmode=require&sslrootcert={FIXTURES}/authority.pem");
    let reason = refused(connect("127.0.0.1", &authority).await);
    assert!(reason.contains("not valid for name"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_encryption_never_talks_in_the_clear() {
    let url = format!("{}&sslmode=verify-full", fresh::schema().await);
    let plain = Postgres::connect(&url, Arc::new(SystemClock), fresh::options()).await;
    let reason = refused(plain);
    assert!(reason.contains("TLS"), "{reason}");
}
