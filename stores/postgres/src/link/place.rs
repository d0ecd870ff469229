//! Where the database is: what a URL says, and how the wire to it is kept private. What libpq's users write of TLS is
//! understood (`sslmode=verify-full`, `sslrootcert`); a certificate is always checked, whatever the mode's name.

use std::{io, path::Path, sync::Arc};

use bridge_core::store::StoreError;
use rustls::{
    CertificateError, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{
    Config,
    config::{SslMode, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::damaged;

/// What is said of a URL that cannot be read. Nothing of it is repeated: where a password is not escaped, any part may be
/// the password.
const UNREADABLE: &str = "the URL is not postgres://user:password@host:port/database?sslmode=require, or has an option that is unknown here; in a password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25";

/// What to do about a certificate that is not trusted.
const MISTRUSTED: &str = "name the authority that signed it by sslrootcert=FILE.pem in the URL, or where nobody else is on the wire, use sslmode=disable";

/// What to do about a certificate of another name.
const MISNAMED: &str = "write the host in the URL as its certificate names it";

/// What a URL comes to.
pub(super) struct Place {
    pub(super) config: Config,
    /// How to encrypt; `None`: not at all.
    pub(super) tls: Option<MakeRustlsConnect>,
}

impl Place {
    pub(super) fn of(url: &str) -> Result<Self, StoreError> {
        let (url, roots) = ours(url)?;
        let mut config: Config = url.parse().map_err(|_| damaged(UNREADABLE))?;
        // Of several hosts the one that can be written to is meant.
        if hosts(&config) > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(tls(roots.as_deref())?)),
        };
        Ok(Self { config, tls })
    }
}

/// Whether a URL says where a database is.
pub(crate) fn readable(url: &str) -> Result<(), StoreError> {
    let (url, _) = ours(url)?;
    let config: Config = url.parse().map_err(|_| damaged(UNREADABLE))?;
    match hosts(&config) {
        0 => Err(damaged(UNREADABLE)),
        _ => Ok(()),
    }
}

/// How many hosts the URL names.
pub(super) fn hosts(config: &Config) -> usize {
    config.get_hosts().len().max(config.get_hostaddrs().len())
}

/// The URL as the driver reads it, and the file of `sslrootcert`.
fn ours(url: &str) -> Result<(String, Option<String>), StoreError> {
    let Some((base, query)) = url.rsplit_once('?') else {
        return Ok((url.to_owned(), None));
    };
    let mut roots = None;
    let mut kept = Vec::new();
    for option in query.split('&') {
        match option.split_once('=') {
            // Checked as strictly as the last of them in any case.
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            Some(("sslmode", "allow")) => kept.push("sslmode=prefer"),
            Some(("sslrootcert", "system")) => {}
            Some(("sslrootcert", file)) => {
                roots = Some(unescaped(file).ok_or_else(|| damaged(UNREADABLE))?);
            }
            _ => kept.push(option),
        }
    }
    let url = match kept.is_empty() {
        true => base.to_owned(),
        false => format!("{base}?{}", kept.join("&")),
    };
    Ok((url, roots))
}

/// A value of a URL without its `%XX`.
fn unescaped(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'%' => {
                let (code, after) = rest.split_at_checked(2)?;
                rest = after;
                u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?
            }
            plain => *plain,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Trusts the authorities of a file, or else the system's; an encrypted connection that cannot be checked is none.
fn tls(roots: Option<&str>) -> Result<rustls::ClientConfig, StoreError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut trusted = RootCertStore::empty();
    match roots {
        Some(file) => {
            let unread =
                |why: &dyn std::fmt::Display| damaged(format!("sslrootcert {file}: {why}"));
            for one in certificates(Path::new(file)).map_err(|error| unread(&error))? {
                trusted.add(one).map_err(|error| unread(&error))?;
            }
            if trusted.is_empty() {
                return Err(unread(&"no certificate is in it (PEM is expected)"));
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            trusted.add_parsable_certificates(found.certs);
        }
    }
    Ok(rustls::ClientConfig::builder()
        .with_root_certificates(Arc::new(trusted))
        .with_no_client_auth())
}

fn certificates(
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_file_iter(file)?.collect()
}

/// What to do about an error of the wire, where that is known.
pub(super) fn remedy(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
    match inner.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Some(MISNAMED),
        rustls::Error::InvalidCertificate(_) => Some(MISTRUSTED),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Config {
        Place::of(url).map(|place| place.config).unwrap()
    }

    #[test]
    fn what_libpq_calls_its_modes_is_understood() {
        let base = "postgres://kefu:p%40ss%2Fw%3F%23%25@db:5432/kefu";
        for (option, mode) in [
            ("", SslMode::Prefer),
            ("?sslmode=disable", SslMode::Disable),
            ("?sslmode=allow", SslMode::Prefer),
            ("?sslmode=require", SslMode::Require),
            ("?sslmode=verify-ca", SslMode::Require),
            ("?sslrootcert=system&sslmode=verify-full", SslMode::Require),
            ("?connect_timeout=3&sslmode=verify-full", SslMode::Require),
        ] {
            let config = place(&format!("{base}{option}"));
            assert_eq!(config.get_ssl_mode(), mode, "{option}");
            assert_eq!(config.get_password(), Some("p@ss/w?#%".as_bytes()));
            assert_eq!(config.get_dbname(), Some("kefu"));
        }
    }

    #[test]
    fn of_several_hosts_the_one_that_is_written_to_is_meant() {
        let several = place("postgres://kefu@one,two/kefu");
        assert_eq!(hosts(&several), 2);
        assert_eq!(readable("postgres://kefu@one:5432,two:5433/kefu"), Ok(()));
        let attributes = several.get_target_session_attrs();
        assert_eq!(attributes, TargetSessionAttrs::ReadWrite);
        let one = place("postgres://kefu@one/kefu");
        assert_eq!(one.get_target_session_attrs(), TargetSessionAttrs::Any);
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_without_it() {
        for url in [
            "mysql://kefu:hush@db/kefu",
            "postgres://kefu:hush@db:port/kefu",
            "postgres://kefu:x@hush:y@db/kefu",
            "postgres://kefu:x@db/kefu?sslmode=hush",
            "postgres://kefu:x@db/kefu?hush=1",
        ] {
            let error = Place::of(url).map(drop).unwrap_err().to_string();
            assert!(error.contains("%40") && !error.contains("hush"), "{error}");
            assert!(readable(url).is_err(), "{url}");
        }
        let url = "postgres://kefu:hush@db/kefu?sslrootcert=%2Fno%2Fsuch.pem";
        let error = Place::of(url).map(drop).unwrap_err().to_string();
        assert!(
            error.contains("/no/such.pem") && !error.contains("hush"),
            "{error}"
        );
    }
}
