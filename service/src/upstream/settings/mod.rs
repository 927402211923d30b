//! The settings that asrs-emulator writes and reads, `settings.json`: where events go.

mod pattern;
mod template;
mod watch;

use std::{
    io,
    path::{Path, PathBuf},
};

use jsonc_parser::ParseOptions;
use serde_json::{Map, Value};
use signalr_serverless::{HubName, upstream::Category};
use url::Url;

use self::{
    pattern::Pattern,
    template::{Template, UrlTemplate},
};

/// The name of the settings file in its folder.
pub const FILE_NAME: &str = "settings.json";

/// The URLs that the service calls when clients do something. The first template that matches an
/// event is used.
///
/// ```
/// use signalr_service::upstream::Settings;
///
/// let settings = Settings::parse(
///     r#"{"UpstreamSettings":{"Templates":[{
///         "UrlTemplate": "http://localhost:7071/api/upstream/{hub}/{category}/{event}",
///         "HubPattern": "chat", "CategoryPattern": "messages", "EventPattern": "send, join"
///     }]}}"#,
/// )?;
/// assert_eq!(settings.templates(), 1);
/// # Ok::<(), signalr_service::upstream::SettingsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    templates: Vec<Template>,
}

/// Why settings cannot be used. The text names the file, if there is one, and the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the upstream settings {path} cannot be read; name a settings.json or its folder", path = .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file's text cannot be used.
    #[error("the upstream settings {path}: {1}", path = .0.display())]
    File(PathBuf, #[source] Box<Self>),
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    NotJson(#[source] jsonc_parser::errors::ParseError),
    /// A value is not valid.
    #[error("{key} {problem}")]
    Value {
        /// The path of the key, such as `UpstreamSettings.Templates[0].UrlTemplate`.
        key: String,
        /// What is wrong with its value, and what would be right.
        problem: String,
    },
}

impl Settings {
    /// Sends every event of every hub to one URL, which may have the placeholders `{hub}`,
    /// `{category}` and `{event}`.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Value`] if the URL is not valid, or not http or https.
    pub fn all_to(url_template: &str) -> Result<Self, SettingsError> {
        let url = UrlTemplate::parse(url_template)
            .map_err(|problem| bad("UrlTemplate", format!("'{url_template}' {problem}")))?;
        let any = || Pattern::Any;
        Ok(Self {
            templates: vec![Template { url, hubs: any(), categories: any(), events: any() }],
        })
    }

    /// Parses the JSON text of a `settings.json` as .NET's reader of configuration does: it may have
    /// comments and trailing commas. The case of keys does not matter. A key such as
    /// `UpstreamSettings:Templates` names a nested key. A list may be an object whose keys are numbers
    /// or names. A missing pattern is `*`, and a pattern of `null` matches nothing.
    ///
    /// # Errors
    ///
    /// [`SettingsError`], for the first value that is wrong.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        // Editors on Windows begin a file with a byte order mark, which is not JSON.
        let whole: Option<Value> =
            jsonc_parser::parse_to_serde_value(text.trim_start_matches('\u{feff}'), &AS_DOTNET)
                .map_err(SettingsError::NotJson)?;
        let whole = nested(whole.unwrap_or_default());
        let whole = object(&whole, "the whole")?;
        let Some(upstream) = get(whole, "UpstreamSettings") else { return Ok(Self::default()) };
        let upstream = object(upstream, "UpstreamSettings")?;
        let Some(templates) = get(upstream, "Templates") else { return Ok(Self::default()) };
        let templates = match templates {
            Value::Array(templates) => templates.iter().enumerate().map(named).collect(),
            Value::Object(templates) => in_order(templates),
            _ => return Err(bad("UpstreamSettings.Templates", "must be a list or an object")),
        };
        let parsed = templates.into_iter().map(|(index, template)| {
            parse_template(template, &format!("UpstreamSettings.Templates[{index}]"))
        });
        Ok(Self { templates: parsed.collect::<Result<_, _>>()? })
    }

    /// Reads the file, or the `settings.json` in the folder.
    ///
    /// # Errors
    ///
    /// [`SettingsError`], which names the file.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let path = file_at(path);
        let read = signalr_small_file::read(&path);
        Self::of_file(path, read)
    }

    /// Parses the result of reading a file.
    fn of_file(path: PathBuf, read: io::Result<Vec<u8>>) -> Result<Self, SettingsError> {
        let text = read.and_then(|bytes| {
            String::from_utf8(bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        });
        match text {
            Ok(text) => {
                Self::parse(&text).map_err(|error| SettingsError::File(path, Box::new(error)))
            }
            Err(error) => Err(SettingsError::Unreadable(path, error)),
        }
    }

    /// One line for each template: its URL without the query, and its patterns.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.templates.iter().map(ToString::to_string)
    }

    /// How many templates there are.
    #[must_use]
    pub fn templates(&self) -> usize {
        self.templates.len()
    }

    /// Whether any template can match an event of the hub.
    pub(super) fn serves(&self, hub: &HubName) -> bool {
        self.templates.iter().any(|template| template.serves(hub))
    }

    /// The URL of an event and the index of its template; `None` if no template matches. There is no URL
    /// if it cannot contain the name of the event.
    pub(super) fn url(
        &self,
        hub: &HubName,
        category: Category,
        event: &str,
    ) -> Option<(usize, Option<Url>)> {
        let mut templates = self.templates.iter().enumerate();
        let (place, fitting) =
            templates.find(|(_, template)| template.matches(hub, category, event))?;
        Some((place, fitting.url.fill(hub.as_str(), category.as_str(), event)))
    }
}

/// The options of .NET's reader: JSON with comments and trailing commas only.
const AS_DOTNET: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Moves values under keys such as `a:b` to their nested place. Objects with the same key are
/// merged.
fn nested(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let mut whole = Map::new();
    for (key, value) in fields {
        let value = nested(value);
        let deep = key
            .rsplit(':')
            .fold(value, |value, key| Value::Object(Map::from_iter([(key.to_owned(), value)])));
        merge(&mut whole, deep);
    }
    Value::Object(whole)
}

fn merge(into: &mut Map<String, Value>, value: Value) {
    let Value::Object(fields) = value else { return };
    for (key, value) in fields {
        let known = into.keys().find(|known| known.eq_ignore_ascii_case(&key)).cloned();
        match known.and_then(|known| into.get_mut(&known)) {
            Some(Value::Object(fields)) if value.is_object() => merge(fields, value),
            Some(known) => *known = value,
            None => drop(into.insert(key, value)),
        }
    }
}

fn named((index, template): (usize, &Value)) -> (String, &Value) {
    (index.to_string(), template)
}

/// Sorts as .NET does: numbers by their value, then names.
fn in_order(templates: &Map<String, Value>) -> Vec<(String, &Value)> {
    let mut templates: Vec<_> =
        templates.iter().map(|(key, template)| (key.clone(), template)).collect();
    templates.sort_by_cached_key(|(key, _)| match key.parse::<u32>() {
        Ok(number) => (false, number, String::new()),
        Err(_) => (true, 0, key.to_ascii_lowercase()),
    });
    templates
}

fn file_at(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() }
}

fn parse_template(template: &Value, key: &str) -> Result<Template, SettingsError> {
    let template = object(template, key)?;
    let url_key = format!("{key}.UrlTemplate");
    let Some(url) = get(template, "UrlTemplate").and_then(Value::as_str) else {
        return Err(bad(url_key, "must be a text: the URL that takes the events"));
    };
    let url = UrlTemplate::parse(url)
        .map_err(|problem| bad(url_key, format!("'{}' {problem}", shorten(url))))?;
    let categories = parse_pattern(template, key, "CategoryPattern")?;
    if let Some(unknown) = categories.unknown(Category::NAMES) {
        let problem = format!(
            "names '{}', which is not a category; use *, connections or messages",
            shorten(unknown)
        );
        return Err(bad(format!("{key}.CategoryPattern"), problem));
    }
    Ok(Template {
        url,
        // The case of hub names does not matter, as everywhere.
        hubs: parse_pattern(template, key, "HubPattern")?.to_lowercase(),
        categories,
        events: parse_pattern(template, key, "EventPattern")?,
    })
}

fn parse_pattern(
    template: &Map<String, Value>,
    key: &str,
    name: &str,
) -> Result<Pattern, SettingsError> {
    let problem = match get(template, name) {
        None => return Ok(Pattern::Any),
        Some(Value::Null) => return Ok(Pattern::nothing()),
        Some(Value::String(text)) => match Pattern::parse(text) {
            Ok(pattern) => return Ok(pattern),
            Err(problem) => format!("'{}' {problem}", shorten(text)),
        },
        Some(_) => "must be a text: * or names with commas between".to_owned(),
    };
    Err(bad(format!("{key}.{name}"), problem))
}

fn object<'a>(value: &'a Value, key: &str) -> Result<&'a Map<String, Value>, SettingsError> {
    value.as_object().ok_or_else(|| bad(key, "must be an object"))
}

/// The value of a key, in upper or lower case, as in the format's own reader.
fn get<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    object.iter().find_map(|(name, value)| name.eq_ignore_ascii_case(key).then_some(value))
}

fn bad(key: impl Into<String>, problem: impl Into<String>) -> SettingsError {
    SettingsError::Value { key: key.into(), problem: problem.into() }
}

/// The given value, shortened if it is too long for an error text.
fn shorten(value: &str) -> String {
    value.chars().take(100).collect()
}

#[cfg(test)]
mod tests;
