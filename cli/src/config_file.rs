//! The settings file that asrs-emulator writes and reads, `settings.json`.
//!
//! It names the upstream: where the service calls for what clients do. This version reads the file
//! and checks it, but calls no upstream.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

const FILE_NAME: &str = "settings.json";
const PATTERNS: [&str; 3] = ["HubPattern", "CategoryPattern", "EventPattern"];

/// A settings file that was found good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    /// How many upstream templates it has.
    pub(crate) upstream_templates: usize,
}

/// Why a settings file is not good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigFileError {
    #[error("the configuration file {path} cannot be read: {1}; name a settings.json with --config", path = .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("the configuration file {path} is not JSON", path = .0.display())]
    NotJson(PathBuf, #[source] serde_json::Error),
    #[error("the configuration file {path}: {key} {problem}", path = .path.display())]
    BadValue { path: PathBuf, key: String, problem: &'static str },
}

impl ConfigFile {
    /// Reads the file, or the `settings.json` in the folder, and checks all of it.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigFileError> {
        let path = if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => return Err(ConfigFileError::Unreadable(path, error)),
        };
        // Editors on Windows begin a file with a byte order mark, which is not JSON.
        let settings = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(settings) => settings,
            Err(error) => return Err(ConfigFileError::NotJson(path, error)),
        };
        match count_templates(&settings) {
            Ok(upstream_templates) => Ok(Self { path, upstream_templates }),
            Err((key, problem)) => Err(ConfigFileError::BadValue { path, key, problem }),
        }
    }
}

type Problem = (String, &'static str);

fn count_templates(settings: &Value) -> Result<usize, Problem> {
    if !settings.is_object() {
        return Err(("the whole".into(), "must be an object"));
    }
    let Some(upstream) = get(settings, "UpstreamSettings") else { return Ok(0) };
    if !upstream.is_object() {
        return Err(("UpstreamSettings".into(), "must be an object"));
    }
    let Some(templates) = get(upstream, "Templates") else { return Ok(0) };
    let Some(templates) = templates.as_array() else {
        return Err(("UpstreamSettings.Templates".into(), "must be an array"));
    };
    for (index, template) in templates.iter().enumerate() {
        check_template(template).map_err(|(key, problem)| {
            (format!("UpstreamSettings.Templates[{index}]{key}"), problem)
        })?;
    }
    Ok(templates.len())
}

fn check_template(template: &Value) -> Result<(), Problem> {
    if !template.is_object() {
        return Err((String::new(), "must be an object"));
    }
    let is_url = |text: &str| text.starts_with("http://") || text.starts_with("https://");
    if !get(template, "UrlTemplate").and_then(Value::as_str).is_some_and(is_url) {
        return Err((".UrlTemplate".into(), "must be a text that begins with http:// or https://"));
    }
    for pattern in PATTERNS {
        if get(template, pattern).is_some_and(|value| !value.is_string() && !value.is_null()) {
            return Err((format!(".{pattern}"), "must be a text: * or names with commas between"));
        }
    }
    Ok(())
}

/// The value of a key. The format's own reader does not look at case either.
fn get<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    let mut entries = object.as_object()?.iter();
    entries.find_map(|(name, value)| name.eq_ignore_ascii_case(key).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE_NAME), content).unwrap();
        ConfigFile::read(folder.path())
            .map(|file| file.upstream_templates)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_that_asrs_emulator_writes_is_good() {
        let written = r#"{"UpstreamSettings":{"Templates":[{"UrlTemplate":"http://localhost:7071/runtime/webhooks/signalr","EventPattern":"*","HubPattern":"*","CategoryPattern":"*"}]}}"#;
        assert_eq!(read(written), Ok(1));
        assert_eq!(read(&format!("\u{feff}{}", written.to_lowercase())), Ok(1));
        assert_eq!(read("{}"), Ok(0));
    }

    #[test]
    fn a_bad_value_is_named() {
        for (content, named) in [
            ("[]", "the whole must be an object"),
            (r#"{"UpstreamSettings":[]}"#, "UpstreamSettings must be an object"),
            (r#"{"UpstreamSettings":{"Templates":{}}}"#, "Templates must be an array"),
            (r#"{"UpstreamSettings":{"Templates":[3]}}"#, "Templates[0] must be an object"),
            (r#"{"UpstreamSettings":{"Templates":[{}]}}"#, "Templates[0].UrlTemplate must be"),
            (
                r#"{"UpstreamSettings":{"Templates":[{"UrlTemplate":"http://a","HubPattern":7}]}}"#,
                "Templates[0].HubPattern must be",
            ),
            ("{", "is not JSON"),
        ] {
            let error = read(content).unwrap_err();
            assert!(error.contains(named), "{content}: {error}");
            assert!(error.contains(FILE_NAME), "{content}: {error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = ConfigFile::read(Path::new("no/such/settings.json")).unwrap_err();
        assert!(error.to_string().contains("no/such/settings.json"), "{error}");
    }
}
