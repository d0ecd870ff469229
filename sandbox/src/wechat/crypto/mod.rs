//! Signatures and encryption of callbacks, written from the protocol notes (WeChat: message push, 1.2 to 1.6).
//!
//! The bridge has code of its own for this; the two share nothing, so that a mistake shows.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::{
    DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD,
};
use sha1::{Digest, Sha1};

type Encryptor = cbc::Encryptor<aes::Aes256>;
type Decryptor = cbc::Decryptor<aes::Aes256>;

/// Padding goes to multiples of this, whatever the cipher's own block.
const BLOCK: usize = 32;

/// 43 characters hold 258 bits, so the last character often has bits to spare.
const KEY_CODEC: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What can be wrong with an encrypted text, by the official helper's numbers (WeChat: message push, 1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("-40004: the EncodingAESKey is not 43 characters of base64")]
    Key,
    #[error("-40005: encrypted for another app")]
    AppId,
    #[error("-40007: cannot be decrypted")]
    Cipher,
    #[error("-40008: padding or length is wrong")]
    Buffer,
    #[error("-40010: no base64")]
    Base64,
}

/// The SHA-1 of the sorted parts, in lower-case hexadecimal.
pub(crate) fn sign(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    let digest = Sha1::digest(sorted.concat().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A decoded EncodingAESKey.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub fn parse(encoded: &str) -> Result<Self, Broken> {
        if encoded.len() != 43 {
            return Err(Broken::Key);
        }
        let bytes = KEY_CODEC.decode(encoded).map_err(|_| Broken::Key)?;
        bytes.try_into().map(Self).map_err(|_| Broken::Key)
    }

    /// Encrypts for an app; `random` starts the text and makes equal messages differ.
    pub fn seal(&self, random: &[u8; 16], message: &str, app_id: &str) -> String {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let mut text = Vec::with_capacity(message.len() + 64);
        text.extend_from_slice(random);
        text.extend_from_slice(&length.to_be_bytes());
        text.extend_from_slice(message.as_bytes());
        text.extend_from_slice(app_id.as_bytes());
        let pad = BLOCK - text.len() % BLOCK;
        // 1..=32 fits a byte.
        text.resize(text.len() + pad, pad as u8);
        let encryptor = Encryptor::new(&self.0.into(), &self.iv().into());
        STANDARD.encode(encryptor.encrypt_padded_vec::<NoPadding>(&text))
    }

    /// Decrypts what was encrypted for this app.
    pub fn open(&self, encrypted: &str, app_id: &str) -> Result<String, Broken> {
        let bytes = STANDARD.decode(encrypted).map_err(|_| Broken::Base64)?;
        if bytes.is_empty() || bytes.len() % 16 != 0 {
            return Err(Broken::Cipher);
        }
        let decryptor = Decryptor::new(&self.0.into(), &self.iv().into());
        let text = decryptor
            .decrypt_padded_vec::<NoPadding>(&bytes)
            .map_err(|_| Broken::Cipher)?;
        let text = unpad(&text).ok_or(Broken::Buffer)?;
        let (message, owner) = split(text).ok_or(Broken::Buffer)?;
        if owner != app_id.as_bytes() {
            return Err(Broken::AppId);
        }
        String::from_utf8(message.to_vec()).map_err(|_| Broken::Buffer)
    }

    fn iv(&self) -> [u8; 16] {
        std::array::from_fn(|at| self.0[at])
    }
}

fn unpad(text: &[u8]) -> Option<&[u8]> {
    let pad = *text.last()?;
    let kept = text.len().checked_sub(usize::from(pad))?;
    let sound = (1..=BLOCK).contains(&usize::from(pad)) && text[kept..].iter().all(|b| *b == pad);
    sound.then(|| &text[..kept])
}

/// The message and the app it was encrypted for.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length: [u8; 4] = text.get(16..20)?.try_into().ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    let rest = &text[20..];
    (length <= rest.len()).then(|| rest.split_at(length))
}

#[cfg(test)]
mod tests;
