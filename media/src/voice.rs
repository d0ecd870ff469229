//! Voices in another format, by ffmpeg where it is installed. ffmpeg reads what strangers send: it is told the format
//! that was sniffed (so that a playlist posing as a voice opens nothing), may open local files only, gets no shell, a
//! bounded time and a bounded output.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::sync::{OnceCell, Semaphore};

/// Transcodings at a time.
const MAX_AT_ONCE: usize = 2;
/// What ffmpeg may complain into our log.
const MAX_COMPLAINT: u64 = 2_000;

/// What a voice can be turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// MP3, mono.
    Mp3,
    /// AMR narrow band, at most 60 s, as WeChat takes it.
    Amr,
}

/// Runs ffmpeg, a few at a time, on files of its own.
pub struct Transcoder {
    program: PathBuf,
    timeout: Duration,
    max_size: u64,
    encoders: OnceCell<Vec<Target>>,
    slots: Semaphore,
}

impl Target {
    /// Its media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::Amr => "audio/amr",
        }
    }

    fn encoder(self) -> &'static str {
        match self {
            Self::Mp3 => "libmp3lame",
            Self::Amr => "libopencore_amrnb",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Mp3 => &[
                "-t",
                "600",
                "-ar",
                "16000",
                "-b:a",
                "32k",
                "-write_xing",
                "0",
                "-f",
                "mp3",
            ],
            Self::Amr => &["-t", "60", "-ar", "8000", "-b:a", "12.2k", "-f", "amr"],
        }
    }
}

impl Transcoder {
    /// `program` is looked for in `PATH` unless it is a path.
    pub fn new(program: PathBuf, timeout: Duration, max_size: u64) -> Self {
        Self {
            program,
            timeout,
            max_size,
            encoders: OnceCell::new(),
            slots: Semaphore::new(MAX_AT_ONCE),
        }
    }

    /// The voice in `file`, whose media type is `from`, as `target`. `None` where it cannot be made: ffmpeg or its
    /// encoder is not installed, does not know the format, or took too long.
    pub async fn transcode(&self, file: &Path, from: &str, target: Target) -> Option<Bytes> {
        let demuxer = demuxer(from)?;
        if !self
            .encoders
            .get_or_init(|| self.find_encoders())
            .await
            .contains(&target)
        {
            return None;
        }
        let _slot = self.slots.acquire().await;
        match self
            .run(&mut self.command(file, demuxer, target), self.max_size)
            .await
        {
            Ok(voice) if !voice.is_empty() => Some(voice),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, from, ?target, "A voice could not be transcoded");
                None
            }
        }
    }

    fn command(&self, file: &Path, demuxer: &str, target: Target) -> Command {
        let mut input = std::ffi::OsString::from("file:");
        input.push(file);
        let mut command = self.ffmpeg();
        command
            .args(["-protocol_whitelist", "file,pipe", "-f", demuxer, "-i"])
            .arg(input);
        command.args([
            "-map",
            "0:a:0",
            "-map_metadata",
            "-1",
            "-ac",
            "1",
            "-c:a",
            target.encoder(),
            "-threads",
            "1",
        ]);
        command.args(target.arguments()).arg("pipe:1");
        command
    }

    fn ffmpeg(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-nostdin", "-hide_banner", "-loglevel", "error"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn find_encoders(&self) -> Vec<Target> {
        match self.run(self.ffmpeg().arg("-encoders"), 1_000_000).await {
            Ok(listing) => {
                let listing = String::from_utf8_lossy(&listing);
                let has = |target: &Target| {
                    listing
                        .split_whitespace()
                        .any(|word| word == target.encoder())
                };
                [Target::Mp3, Target::Amr].into_iter().filter(has).collect()
            }
            Err(error) => {
                tracing::info!(%error, program = %self.program.display(), "Voices stay as they are: ffmpeg does not run");
                Vec::new()
            }
        }
    }

    /// Its output, when it ends well, in time and within `limit` bytes. However this ends, the process has ended.
    async fn run(&self, command: &mut Command, limit: u64) -> io::Result<Bytes> {
        let mut child = command.spawn()?;
        let output = tokio::time::timeout(self.timeout, read(&mut child, limit)).await;
        let output = output.unwrap_or_else(|_| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "ffmpeg took too long",
            ))
        });
        if output.is_err() {
            // Fails only when it has ended by itself meanwhile.
            let _ = child.kill().await;
        }
        output
    }
}

async fn read(child: &mut Child, limit: u64) -> io::Result<Bytes> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (mut output, mut complaint) = (Vec::new(), Vec::new());
    let reading = async {
        match stdout {
            Some(pipe) => pipe.take(limit + 1).read_to_end(&mut output).await,
            None => Ok(0),
        }
    };
    let listening = async {
        match stderr {
            Some(pipe) => pipe.take(MAX_COMPLAINT).read_to_end(&mut complaint).await,
            None => Ok(0),
        }
    };
    // Both at once: a full pipe that nobody reads would stop ffmpeg.
    tokio::try_join!(reading, listening)?;
    if output.len() as u64 > limit {
        return Err(io::Error::other("ffmpeg wrote more than is allowed"));
    }
    let status = child.wait().await?;
    if !status.success() {
        return Err(io::Error::other(format!(
            "{status}: {}",
            String::from_utf8_lossy(&complaint).trim()
        )));
    }
    Ok(output.into())
}

/// ffmpeg's name for the container of a media type; `None` for what it cannot read (SILK) or is no voice.
fn demuxer(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "audio/amr" | "audio/amr-wb" => "amr",
        "audio/ogg" | "audio/opus" | "audio/speex" => "ogg",
        "audio/m4a" | "audio/mp4" | "video/mp4" => "mov",
        "audio/aac" => "aac",
        "audio/mpeg" => "mp3",
        "audio/x-wav" | "audio/wav" => "wav",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One second of AMR at 4.75 kbit/s.
    fn amr() -> Vec<u8> {
        let mut voice = b"#!AMR\n".to_vec();
        (0..50)
            .for_each(|_| voice.extend_from_slice(&[0x04, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0]));
        voice
    }

    struct Place {
        dir: tempfile::TempDir,
        voice: PathBuf,
    }

    fn place(bytes: &[u8]) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let voice = dir.path().join("voice; rm -rf $HOME");
        std::fs::write(&voice, bytes).unwrap();
        Place { dir, voice }
    }

    /// A program that plays ffmpeg: it knows the encoders, and then does what `script` says. Another process writes it:
    /// a file that this one has open for writing, if only until another test's child has started, does not run.
    fn pretender(place: &Place, script: &str) -> PathBuf {
        let program = place.dir.path().join("pretender");
        let text = format!(
            "#!/bin/sh\ncase \"$*\" in *-encoders*) echo ' A....D libmp3lame MP3'; exit;; esac\n{script}\n"
        );
        let writer = "printf %s \"$1\" > \"$0\" && chmod 700 \"$0\"";
        let status = std::process::Command::new("sh")
            .args(["-c", writer])
            .arg(&program)
            .arg(text)
            .status();
        assert!(status.unwrap().success());
        program
    }

    #[tokio::test]
    async fn amr_becomes_mp3() {
        let place = place(&amr());
        let ffmpeg = Transcoder::new("ffmpeg".into(), Duration::from_secs(60), 1_000_000);
        let voice = ffmpeg
            .transcode(&place.voice, "audio/amr", Target::Mp3)
            .await;
        let voice = voice.expect("ffmpeg with libmp3lame is needed here: ./dev test installs it");
        assert_eq!(crate::kind::sniff(&voice), "audio/mpeg");
        assert!(
            (3_000..8_000).contains(&voice.len()),
            "about a second at 32 kbit/s: {}",
            voice.len()
        );
    }

    /// The sniffed type decides what ffmpeg takes it for: a playlist that names other files stays a broken voice.
    #[tokio::test]
    async fn a_playlist_posing_as_a_voice_opens_nothing() {
        let place = place(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n");
        let ffmpeg = Transcoder::new("ffmpeg".into(), Duration::from_secs(60), 1_000_000);
        assert_eq!(
            ffmpeg
                .transcode(&place.voice, "audio/amr", Target::Mp3)
                .await,
            None
        );
        assert_eq!(
            ffmpeg
                .transcode(&place.voice, "application/vnd.apple.mpegurl", Target::Mp3)
                .await,
            None
        );
    }

    #[tokio::test]
    async fn without_ffmpeg_or_its_encoder_a_voice_stays_as_it_is() {
        let place = place(&amr());
        let absent = Transcoder::new(
            "/nonexistent/ffmpeg".into(),
            Duration::from_secs(60),
            1_000_000,
        );
        assert_eq!(
            absent
                .transcode(&place.voice, "audio/amr", Target::Mp3)
                .await,
            None
        );
        let poor = Transcoder::new(
            pretender(&place, "echo voice"),
            Duration::from_secs(60),
            1_000_000,
        );
        assert_eq!(
            poor.transcode(&place.voice, "audio/amr", Target::Mp3)
                .await
                .unwrap(),
            "voice\n"
        );
        assert_eq!(
            poor.transcode(&place.voice, "audio/amr", Target::Amr).await,
            None
        );
        assert_eq!(
            poor.transcode(&place.voice, "audio/silk", Target::Mp3)
                .await,
            None
        );
    }

    /// It writes its process id and hangs; afterwards nobody of that id is there.
    #[tokio::test]
    async fn one_that_hangs_is_ended() {
        let place = place(&amr());
        let pid_file = place.dir.path().join("pid");
        let script = format!(
            "echo $$ > '{0}.new'; mv '{0}.new' '{0}'; exec sleep 600",
            pid_file.display()
        );
        let hanging = Transcoder::new(
            pretender(&place, &script),
            Duration::from_secs(2),
            1_000_000,
        );
        assert_eq!(
            hanging
                .transcode(&place.voice, "audio/amr", Target::Mp3)
                .await,
            None
        );
        // On a machine so busy that it was ended before it wrote its id, there is nothing to look for.
        if let Ok(pid) = std::fs::read_to_string(pid_file) {
            assert!(!Path::new("/proc").join(pid.trim()).exists());
        }
    }

    #[tokio::test]
    async fn one_that_writes_too_much_or_fails_gives_nothing() {
        for script in ["exec cat /dev/zero", "echo half; exit 1", "exit 0"] {
            let place = place(&amr());
            let odd = Transcoder::new(pretender(&place, script), Duration::from_secs(60), 10_000);
            assert_eq!(
                odd.transcode(&place.voice, "audio/amr", Target::Mp3).await,
                None,
                "{script}"
            );
        }
    }
}
