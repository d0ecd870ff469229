//! AES-256-CBC of the message push (WeChat: 1.4): `random(16) ‖ length(4, big endian) ‖ message ‖ app id`, padded to 32.
//! Padding is checked by hand: 17 to 32 are no PKCS#7 of AES, and libraries refuse them.

use aes::Aes256;
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};

/// Keys of 43 characters hold 258 bits, and most have a last character whose surplus bits are not zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The random prefix and the length before the message.
const HEAD: usize = 20;

/// Why something cannot be decrypted, by the numbers of WeChat's own helper. Outside, all answer alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The key is not 43 characters of base64.
    #[error("-40004: the EncodingAESKey is not 43 letters and digits")]
    Key,
    /// It is for another app, or another corp.
    #[error("-40005: encrypted for another app or corp")]
    AppId,
    /// Its length is not a multiple of the block.
    #[error("-40007: the length is not a multiple of the cipher's block")]
    Length,
    /// The padding or the length inside is wrong: mostly another key.
    #[error("-40008: padding or inner length is wrong; is it the right EncodingAESKey?")]
    Buffer,
    /// It is not base64.
    #[error("-40010: not base64")]
    Base64,
    /// It is not UTF-8.
    #[error("-40008: not UTF-8")]
    Text,
}

/// An EncodingAESKey: 32 bytes, of which the first 16 are the IV, too.
#[derive(Clone)]
pub struct AesKey([u8; 32]);

impl AesKey {
    /// Reads the 43 characters of the console, base64 without its padding.
    ///
    /// # Errors
    /// [`CryptoError`] where they are none.
    pub fn parse(key: &str) -> Result<Self, CryptoError> {
        if key.len() != 43
            || !key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        {
            return Err(CryptoError::Key);
        }
        let bytes = LENIENT.decode(key).map_err(|_| CryptoError::Key)?;
        bytes.try_into().map(Self).map_err(|_| CryptoError::Key)
    }

    /// Decrypts an `Encrypt` for `app_id`: with a corp its receive id.
    pub fn open(&self, encrypted: &str, app_id: &str) -> Result<String, CryptoError> {
        let mut bytes = LENIENT
            .decode(encrypted.trim())
            .map_err(|_| CryptoError::Base64)?;
        if bytes.is_empty() || bytes.len() % 16 != 0 {
            return Err(CryptoError::Length);
        }
        let plain = cbc::Decryptor::<Aes256>::new((&self.0).into(), (&self.iv()).into())
            .decrypt_padded::<NoPadding>(&mut bytes)
            .map_err(|_| CryptoError::Length)?;
        let plain = unpad(plain)?;
        let length: [u8; 4] = plain
            .get(16..HEAD)
            .and_then(|head| head.try_into().ok())
            .ok_or(CryptoError::Buffer)?;
        let length =
            usize::try_from(u32::from_be_bytes(length)).map_err(|_| CryptoError::Buffer)?;
        let end = HEAD
            .checked_add(length)
            .filter(|end| *end <= plain.len())
            .ok_or(CryptoError::Buffer)?;
        if &plain[end..] != app_id.as_bytes() {
            return Err(CryptoError::AppId);
        }
        String::from_utf8(plain[HEAD..end].to_vec()).map_err(|_| CryptoError::Text)
    }

    /// Encrypts a message for `app_id` with a random prefix.
    pub fn seal(&self, message: &str, app_id: &str, random: [u8; 16]) -> String {
        let mut plain = Vec::with_capacity(HEAD + message.len() + app_id.len() + 32);
        plain.extend_from_slice(&random);
        // A message of more than 4 GiB cannot be in memory here: bodies are bounded far below.
        plain.extend_from_slice(
            &u32::try_from(message.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        plain.extend_from_slice(message.as_bytes());
        plain.extend_from_slice(app_id.as_bytes());
        let pad = 32 - plain.len() % 32;
        plain.resize(plain.len() + pad, u8::try_from(pad).unwrap_or(32));
        let sealed = cbc::Encryptor::<Aes256>::new((&self.0).into(), (&self.iv()).into())
            .encrypt_padded_vec::<NoPadding>(&plain);
        LENIENT.encode(sealed)
    }

    fn iv(&self) -> [u8; 16] {
        let mut iv = [0; 16];
        iv.copy_from_slice(&self.0[..16]);
        iv
    }
}

/// Strips 1 to 32 bytes that all say how many they are.
fn unpad(plain: &[u8]) -> Result<&[u8], CryptoError> {
    let pad = usize::from(*plain.last().ok_or(CryptoError::Buffer)?);
    if !(1..=32).contains(&pad) || pad > plain.len() {
        return Err(CryptoError::Buffer);
    }
    let (body, padding) = plain.split_at(plain.len() - pad);
    if padding.iter().all(|byte| usize::from(*byte) == pad) {
        Ok(body)
    } else {
        Err(CryptoError::Buffer)
    }
}
