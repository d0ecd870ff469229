//! Other forms of what is kept.

use bridge_core::media::{MediaLibrary as _, Rendition};
use bytes::Bytes;

use crate::world::{World, photo};

#[tokio::test]
async fn a_thumbnail_is_made_once_and_kept() {
    let world = World::new();
    let library = world.library();
    let kept = library
        .put(Bytes::from(photo(800, 400)), Some("海边.jpeg"))
        .await
        .unwrap();
    let small = library
        .rendition(&kept, Rendition::Thumbnail)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (small.mime.as_str(), small.dimensions, small.name.as_str()),
        ("image/jpeg", Some((198, 99)), "海边.jpg")
    );
    let files = world.files();
    let again = world
        .library()
        .rendition(&kept, Rendition::Thumbnail)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((again, world.files()), (small.clone(), files));
    assert!(library.open(&small).await.unwrap().len() as u64 == small.size);
}

#[tokio::test]
async fn a_picture_that_fits_is_its_own_rendition() {
    let world = World::new();
    let library = world.library();
    let kept = library.put(Bytes::from(photo(80, 40)), None).await.unwrap();
    let fits = library
        .rendition(&kept, Rendition::Picture { max_bytes: 50_000 })
        .await
        .unwrap();
    assert_eq!(fits, Some(kept.clone()));
    let smaller = library
        .rendition(
            &kept,
            Rendition::Picture {
                max_bytes: kept.size - 1,
            },
        )
        .await
        .unwrap()
        .unwrap();
    assert!(smaller.size < kept.size && smaller.hash != kept.hash);
}

#[tokio::test]
async fn an_amr_voice_becomes_an_mp3_where_ffmpeg_is() {
    let mut world = World::new();
    let mut amr = b"#!AMR\n".to_vec();
    (0..50).for_each(|_| amr.extend_from_slice(&[0x04, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0]));
    let library = world.library();
    let voice = library
        .put(Bytes::from(amr), Some("voice.amr"))
        .await
        .unwrap();
    let mp3 = library.rendition(&voice, Rendition::Mp3).await.unwrap();
    let mp3 = mp3.expect("ffmpeg is needed here: ./dev test installs it");
    assert_eq!(
        (mp3.mime.as_str(), mp3.name.as_str()),
        ("audio/mpeg", "voice.mp3")
    );
    assert_eq!(
        library.rendition(&voice, Rendition::Amr).await.unwrap(),
        Some(voice.clone())
    );

    // Without ffmpeg: what was made before is still there, what was not is not to be had.
    world.settings.ffmpeg = "/nonexistent/ffmpeg".into();
    let poorer = world.library();
    assert_eq!(
        poorer.rendition(&voice, Rendition::Mp3).await.unwrap(),
        Some(mp3)
    );
    let other = poorer
        .put(Bytes::from_static(b"#!AMR\n\x04123456789012"), None)
        .await
        .unwrap();
    assert_eq!(
        poorer.rendition(&other, Rendition::Mp3).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn bombs_and_what_is_no_picture_have_no_thumbnail() {
    let world = World::new();
    let library = world.library();
    let mut bomb = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;".to_vec();
    for bytes in [
        std::mem::take(&mut bomb),
        b"\xff\xd8\xff\xe0 broken".to_vec(),
        b"hello".to_vec(),
    ] {
        let kept = library.put(Bytes::from(bytes), None).await.unwrap();
        assert_eq!(kept.dimensions, None, "{}", kept.mime);
        assert_eq!(
            library
                .rendition(&kept, Rendition::Thumbnail)
                .await
                .unwrap(),
            None
        );
        assert_eq!(
            library
                .rendition(
                    &kept,
                    Rendition::Picture {
                        max_bytes: 1_000_000
                    }
                )
                .await
                .unwrap(),
            None
        );
        assert_eq!(
            library.rendition(&kept, Rendition::Mp3).await.unwrap(),
            None
        );
    }
}
