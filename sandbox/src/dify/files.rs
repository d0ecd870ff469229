//! `files/upload` (Dify notes, 7.1).

use serde_json::{Value, json};

use super::Dify;
use super::errors::{Refusal, invalid, refuse};
use super::state::File;
use crate::call::{Answer, Call};
use crate::multipart;

const MB: usize = 1024 * 1024;

impl Dify {
    pub(super) fn upload(&self, app: usize, call: &Call) -> Result<Answer, Refusal> {
        let form = call.header("content-type").unwrap_or_default();
        let parts = multipart::read(form, &call.body).unwrap_or_default();
        let user = parts.iter().find(|part| part.name == "user");
        let user = user.map_or("DEFAULT-USER".into(), |part| {
            String::from_utf8_lossy(&part.bytes)
        });
        let user = user.into_owned();
        let mut files = parts.into_iter().filter(|part| part.name == "file");
        let file = files
            .next()
            .ok_or_else(|| refuse(400, "no_file_uploaded", "Please upload your file."))?;
        if files.next().is_some() {
            return Err(refuse(400, "too_many_files", "Only one file is allowed."));
        }
        let name = file.file_name.unwrap_or_default();
        if name.is_empty() {
            return Err(refuse(
                400,
                "filename_not_exists_error",
                "The specified filename does not exist.",
            ));
        }
        if name.contains(['/', '\\']) {
            return Err(invalid("Filename contains invalid characters"));
        }
        let mime = file
            .mime
            .ok_or_else(|| refuse(415, "unsupported_file_type", "File type not allowed."))?;
        let largest = match mime.split('/').next() {
            Some("image") => 10 * MB,
            _ => 15 * MB,
        };
        if file.bytes.len() > largest {
            return Err(refuse(
                413,
                "file_too_large",
                "File size exceeded. {message}",
            ));
        }
        let world = &self.0.world;
        let (id, size) = (world.chance.uuid(), file.bytes.len());
        let kept = File { app, user };
        self.0.state.lock().keep_file(id.clone(), kept);
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let answer = json!({
            "id": id, "name": name, "size": size, "extension": extension, "mime_type": mime,
            "created_by": world.chance.uuid(), "created_at": world.clock.seconds()
        });
        Ok(Answer::json(201, &answer))
    }

    /// Checks the `files` of a question.
    pub(super) fn check_files(
        &self,
        app: usize,
        user: &str,
        files: &Value,
    ) -> Result<Vec<Value>, Refusal> {
        let files = match files {
            Value::Null => return Ok(Vec::new()),
            Value::Array(files) => files,
            _ => return Err(invalid("files must be a list")),
        };
        let state = self.0.state.lock();
        for file in files {
            let kind = file["type"].as_str().unwrap_or_default();
            if !["image", "document", "audio", "video", "custom"].contains(&kind) {
                return Err(invalid("Invalid file type"));
            }
            let text = |name: &str| file[name].as_str().unwrap_or_default();
            let sound = match text("transfer_method") {
                "remote_url" => text("url").starts_with("http"),
                "local_file" => {
                    let kept = state.files.get(text("upload_file_id"));
                    kept.is_some_and(|kept| kept.app == app && kept.user == user)
                }
                _ => return Err(invalid("Invalid file transfer method")),
            };
            if !sound {
                return Err(invalid("Invalid upload file"));
            }
        }
        Ok(files.clone())
    }
}
