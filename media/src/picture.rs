//! Pictures: how large they appear, turned the right way, made small. Everything here computes; callers run it where
//! blocking is allowed. A picture that cannot be read, or whose pixels would not fit, is `None`, not a failure.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgb, RgbImage};

/// Pixels on the long side of a thumbnail (Tencent IM shows 198).
const THUMBNAIL: u32 = 198;
const THUMBNAIL_QUALITY: u8 = 80;
/// No phone's picture is larger; a bomb of a few kilobytes is.
const MAX_PIXELS: u64 = 50_000_000;
/// Bytes that decoding may take.
const MAX_MEMORY: u64 = 200_000_000;
/// Tried in turn until the picture fits.
const QUALITIES: [u8; 3] = [88, 75, 60];
/// How often a picture is made smaller to fit: 0.7⁸ is a 17th of its width.
const MAX_SHRINKS: usize = 8;

/// A picture that fits, or one that has to be written anew.
#[derive(Debug, PartialEq, Eq)]
pub enum Fitting {
    /// It is a JPEG or PNG, upright and small enough already.
    AsItIs,
    /// A JPEG made of it.
    Jpeg(Vec<u8>),
}

/// Width and height as shown. Reads the header only.
pub fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    let (decoder, orientation) = open(bytes)?;
    let (width, height) = decoder.dimensions();
    Some(if is_lying(orientation) {
        (height, width)
    } else {
        (width, height)
    })
}

/// A small JPEG of it.
pub fn thumbnail(bytes: &[u8]) -> Option<Vec<u8>> {
    let (decoder, orientation) = open(bytes)?;
    let mut picture = decode(decoder)?;
    if picture.width().max(picture.height()) > THUMBNAIL {
        picture = picture.thumbnail(THUMBNAIL, THUMBNAIL);
    }
    picture.apply_orientation(orientation);
    jpeg(&on_white(&picture), THUMBNAIL_QUALITY)
}

/// The picture turned the right way, in at most `max_bytes`.
pub fn fit(bytes: &[u8], max_bytes: u64) -> Option<Fitting> {
    let (decoder, orientation) = open(bytes)?;
    let is_common = matches!(
        image::guess_format(bytes),
        Ok(image::ImageFormat::Jpeg | image::ImageFormat::Png)
    );
    if is_common && orientation == Orientation::NoTransforms && bytes.len() as u64 <= max_bytes {
        return Some(Fitting::AsItIs);
    }
    let mut picture = decode(decoder)?;
    picture.apply_orientation(orientation);
    fit_pixels(on_white(&picture), max_bytes).map(Fitting::Jpeg)
}

fn fit_pixels(mut picture: RgbImage, max_bytes: u64) -> Option<Vec<u8>> {
    for _ in 0..=MAX_SHRINKS {
        for quality in QUALITIES {
            let written = jpeg(&picture, quality)?;
            if written.len() as u64 <= max_bytes {
                return Some(written);
            }
        }
        let smaller = |side: u32| (side * 7 / 10).max(1);
        let (width, height) = (smaller(picture.width()), smaller(picture.height()));
        picture = image::imageops::thumbnail(&picture, width, height);
    }
    None
}

/// A decoder within limits. The pixel count is checked here, before anything is allocated for it.
fn open(bytes: &[u8]) -> Option<(impl ImageDecoder, Orientation)> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let fits =
        u64::from(width) * u64::from(height) <= MAX_PIXELS && decoder.total_bytes() <= MAX_MEMORY;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    fits.then_some((decoder, orientation))
}

fn decode(decoder: impl ImageDecoder) -> Option<DynamicImage> {
    DynamicImage::from_decoder(decoder).ok()
}

/// JPEG knows no transparency; what is seen through is white, as on the chat's page.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let seen = picture.to_rgba8();
    RgbImage::from_fn(seen.width(), seen.height(), |x, y| {
        let [r, g, b, alpha] = seen.get_pixel(x, y).0;
        let alpha = u16::from(alpha);
        Rgb([r, g, b].map(|colour| ((u16::from(colour) * alpha + 255 * (255 - alpha)) / 255) as u8))
    })
}

fn jpeg(picture: &RgbImage, quality: u8) -> Option<Vec<u8>> {
    let mut written = Vec::new();
    JpegEncoder::new_with_quality(&mut written, quality)
        .encode_image(picture)
        .ok()?;
    Some(written)
}

fn is_lying(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(
        orientation,
        Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;

    const RED: Rgb<u8> = Rgb([250, 0, 0]);
    const BLUE: Rgb<u8> = Rgb([0, 0, 250]);

    /// Red on the left, blue on the right, as the sensor saw it.
    fn red_left_blue_right(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, _| if x < width / 2 { RED } else { BLUE })
    }

    fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    /// A JPEG whose Exif header says how it was held.
    fn photo(picture: &RgbImage, exif_orientation: u8) -> Vec<u8> {
        let plain = jpeg(picture, 90).unwrap();
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend_from_slice(&[exif_orientation, 0, 0, 0, 0, 0, 0]);
        let mut out = plain[..2].to_vec();
        out.extend_from_slice(&[0xff, 0xe1]);
        out.extend_from_slice(&u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
        out.extend_from_slice(&exif);
        out.extend_from_slice(&plain[2..]);
        out
    }

    fn read(bytes: &[u8]) -> RgbImage {
        image::load_from_memory(bytes).unwrap().to_rgb8()
    }

    fn is_near(picture: &RgbImage, x: u32, y: u32, colour: Rgb<u8>) -> bool {
        picture
            .get_pixel(x, y)
            .0
            .iter()
            .zip(colour.0)
            .all(|(a, b)| a.abs_diff(b) < 30)
    }

    /// Orientation 6: the camera was held upright, so left becomes top.
    #[test]
    fn a_photo_taken_upright_is_turned_upright() {
        let photo = photo(&red_left_blue_right(64, 32), 6);
        assert_eq!(dimensions(&photo), Some((32, 64)));
        let Some(Fitting::Jpeg(turned)) = fit(&photo, 1_000_000) else {
            panic!("not turned")
        };
        for picture in [read(&turned), read(&thumbnail(&photo).unwrap())] {
            assert_eq!(picture.dimensions(), (32, 64));
            assert!(is_near(&picture, 16, 8, RED) && is_near(&picture, 16, 56, BLUE));
        }
        assert_eq!(
            fit(&turned, 1_000_000),
            Some(Fitting::AsItIs),
            "turned once is turned"
        );
    }

    #[test]
    fn a_thumbnail_is_a_small_jpeg_of_the_same_shape() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Gif,
            ImageFormat::Bmp,
            ImageFormat::WebP,
        ] {
            let picture = written(&red_left_blue_right(600, 300).into(), format);
            let small = thumbnail(&picture).unwrap();
            assert_eq!(image::guess_format(&small).unwrap(), ImageFormat::Jpeg);
            assert_eq!(dimensions(&small), Some((198, 99)), "{format:?}");
        }
        let tiny = written(&red_left_blue_right(20, 10).into(), ImageFormat::Png);
        assert_eq!(
            dimensions(&thumbnail(&tiny).unwrap()),
            Some((20, 10)),
            "never made larger"
        );
    }

    #[test]
    fn what_fits_is_left_alone_and_what_does_not_is_made_to_fit() {
        let noise = RgbImage::from_fn(512, 512, |x, y| {
            let n = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503).wrapping_mul(x | 1);
            Rgb([n as u8, (n >> 8) as u8, (n >> 16) as u8])
        });
        let png = written(&noise.into(), ImageFormat::Png);
        assert_eq!(fit(&png, png.len() as u64), Some(Fitting::AsItIs));
        let Some(Fitting::Jpeg(small)) = fit(&png, 30_000) else {
            panic!("did not fit")
        };
        assert!(small.len() <= 30_000 && dimensions(&small).is_some());
        assert_eq!(fit(&png, 10), None, "no JPEG is that small");
    }

    #[test]
    fn what_is_transparent_becomes_white() {
        let glass = image::RgbaImage::from_pixel(8, 8, image::Rgba([9, 9, 9, 0]));
        let small = read(&thumbnail(&written(&glass.into(), ImageFormat::Png)).unwrap());
        assert!(is_near(&small, 4, 4, Rgb([255, 255, 255])));
    }

    /// 60,000 × 60,000 pixels in a few dozen bytes: refused by its header.
    #[test]
    fn bombs_are_not_unpacked() {
        let mut bomb = written(&red_left_blue_right(4, 4).into(), ImageFormat::Bmp);
        bomb[18..22].copy_from_slice(&60_000u32.to_le_bytes());
        bomb[22..26].copy_from_slice(&60_000u32.to_le_bytes());
        let mut gif = written(&red_left_blue_right(4, 4).into(), ImageFormat::Gif);
        gif[6..10].copy_from_slice(&[0xff; 4]);
        for bytes in [&bomb, &gif] {
            assert_eq!(dimensions(bytes), None);
            assert_eq!(thumbnail(bytes), None);
            assert_eq!(fit(bytes, 1_000_000), None);
        }
    }

    #[test]
    fn what_is_no_picture_or_half_of_one_is_none() {
        let png = written(&red_left_blue_right(64, 64).into(), ImageFormat::Png);
        for bytes in [&b""[..], b"\xff\xd8\xff", b"#!AMR\n", &png[..png.len() / 2]] {
            assert_eq!(thumbnail(bytes), None);
        }
    }
}
