//! `local.settings.json`, which Azure Functions' own tools read on a developer's machine: the settings of
//! the function app, and how its host listens.
//!
//! Its values are secrets. No text here contains one. Source:
//! <https://learn.microsoft.com/azure/azure-functions/functions-develop-local#local-settings-file>

use std::{collections::BTreeMap, io, path::Path};

use jsonc_parser::{ParseOptions, parse_to_serde_value};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// The file's name, in the folder in which the command runs.
pub(crate) const FILE: &str = "local.settings.json";

/// The settings in the file.
#[derive(Default)]
pub(crate) struct LocalSettings {
    /// The settings by name, as in the environment of a process.
    values: BTreeMap<String, String>,
    /// `Host.LocalHttpPort`.
    pub(crate) port: Option<u16>,
    /// `Host.CORS`.
    pub(crate) origins: Option<Origins>,
}

/// The origins whose pages may call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origins {
    /// `*`.
    All,
    /// These origins, separated by commas.
    These(String),
}

impl LocalSettings {
    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the file cannot be read or has another form.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let bytes = match signalr_small_file::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
        };
        let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8".to_owned()))?;
        Self::parse(text.trim_start_matches('\u{feff}')).map(Some).map_err(wrong)
    }

    /// Parses JSON with comments and trailing commas, as Azure Functions' tools do.
    fn parse(text: &str) -> Result<Self, String> {
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: true,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_extended_string_escapes: false,
            allow_non_finite_numbers: false,
        };
        let file: Value = parse_to_serde_value(text, &options).map_err(|error| {
            let (line, column) = (error.line_display(), error.column_display());
            format!("is not JSON at line {line}, column {column}")
        })?;
        let Value::Object(mut file) = file else { return Err("is not a JSON object".to_owned()) };
        if take(&mut file, "IsEncrypted") == Some(Value::Bool(true)) {
            return Err("is encrypted; run `func settings decrypt`".to_owned());
        }
        let mut settings = Self::default();
        for (name, value) in object(&mut file, "Values")? {
            let value = text_of(&format!("Values.{name}"), value)?;
            settings.values.insert(name.replace(':', "__"), value);
        }
        for (name, value) in object(&mut file, "ConnectionStrings")? {
            settings.add_connection_string(&name, value)?;
        }
        for (name, value) in object(&mut file, "Host")? {
            settings.add_host_setting(&name, value)?;
        }
        Ok(settings)
    }

    /// Adds a connection string. The bindings look for a name first among the connection strings,
    /// then among the values.
    fn add_connection_string(&mut self, name: &str, value: Value) -> Result<(), String> {
        let value = match value {
            // Projects of .NET write `{"ConnectionString","ProviderName"}`.
            Value::Object(mut members) => take(&mut members, "ConnectionString"),
            value => Some(value),
        };
        if let Some(value) = value {
            let value = text_of(&format!("ConnectionStrings.{name}"), value)?;
            self.values.insert(name.replace(':', "__"), value);
        }
        Ok(())
    }

    fn add_host_setting(&mut self, name: &str, value: Value) -> Result<(), String> {
        if name.eq_ignore_ascii_case("LocalHttpPort") {
            let port = text_of("Host.LocalHttpPort", value)?.parse();
            self.port = Some(port.map_err(|_| {
                "has a Host.LocalHttpPort that is not a port; use a number up to 65535".to_owned()
            })?);
        } else if name.eq_ignore_ascii_case("CORS") {
            let origins = text_of("Host.CORS", value)?;
            let origins = origins.split(',').map(|origin| origin.trim().trim_end_matches('/'));
            let origins: Vec<_> = origins.filter(|origin| !origin.is_empty()).collect();
            self.origins = match origins.contains(&"*") {
                true => Some(Origins::All),
                false => (!origins.is_empty()).then(|| Origins::These(origins.join(","))),
            };
        }
        Ok(())
    }

    /// A setting; `None` if it is blank.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// The names of all settings.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

fn wrong(problem: String) -> Failure {
    Failure::Configuration(format!("{FILE} {problem}"))
}

/// A member by its name, in any case.
fn take(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = members.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    members.remove(&key)
}

fn object(file: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, String> {
    match take(file, name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(_) => Err(format!("has a {name} that is not an object")),
    }
}

fn text_of(name: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("has a {name} that is not text; write it in quotes"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_as_the_tools_write_it_is_read() {
        let settings = LocalSettings::parse(
            r#"{
              // by hand
              "IsEncrypted": false,
              "Values": {
                "FUNCTIONS_WORKER_RUNTIME": "custom",
                "AzureWebJobsStorage": "UseDevelopmentStorage=true",
                "Azure:SignalR:ConnectionString": "Endpoint=http://x;AccessKey=s3cret", /* the service */
                "NEGOTIATE_TOKEN_LIFETIME": 60, "ALLOW_INSECURE_IDENTITY": true, "FUNCTION_KEY": " ",
              },
              "Host": { "LocalHttpPort": 7072, "CORS": "http://localhost:3000/, https://app.example", "CORSCredentials": true },
              "ConnectionStrings": {
                "AzureSignalRConnectionString": { "ConnectionString": "Endpoint=http://y", "ProviderName": "x" },
                "Other": "z",
              },
            }"#,
        )
        .unwrap();
        for (name, value) in [
            ("Azure__SignalR__ConnectionString", Some("Endpoint=http://x;AccessKey=s3cret")),
            ("AzureSignalRConnectionString", Some("Endpoint=http://y")),
            ("NEGOTIATE_TOKEN_LIFETIME", Some("60")),
            ("ALLOW_INSECURE_IDENTITY", Some("true")),
            ("FUNCTION_KEY", None),
            ("absent", None),
        ] {
            assert_eq!(settings.value(name), value, "{name}");
        }
        assert_eq!(settings.port, Some(7072));
        let origins = "http://localhost:3000,https://app.example".to_owned();
        assert_eq!(settings.origins, Some(Origins::These(origins)));
        let all = LocalSettings::parse(r#"{"host":{"cors":"*"}}"#).unwrap();
        assert_eq!(all.origins, Some(Origins::All));
        assert!(LocalSettings::parse("{}").unwrap().names().next().is_none());
    }

    #[test]
    fn what_is_wrong_is_named_and_no_value_is_shown() {
        for (text, part) in [
            (r#"{"IsEncrypted":true,"Values":{"a":"s3cret"}}"#, "is encrypted"),
            (r#"{"Values":{"a":"s3cret" "b"}}"#, "is not JSON at line 1"),
            (r#"{"Values":{"a":"s3cret"}"#, "is not JSON at line"),
            (r#"["s3cret"]"#, "is not a JSON object"),
            ("", "is not a JSON object"),
            (r#"{"Values":"s3cret"}"#, "has a Values that is not an object"),
            (r#"{"Values":{"a":["s3cret"]}}"#, "has a Values.a that is not text"),
            (r#"{"Host":{"LocalHttpPort":"s3cret"}}"#, "Host.LocalHttpPort that is not a port"),
            (r#"{"Host":{"LocalHttpPort":70000}}"#, "Host.LocalHttpPort that is not a port"),
        ] {
            let problem = LocalSettings::parse(text).err().unwrap();
            assert!(problem.contains(part) && !problem.contains("s3cret"), "{text}: {problem}");
        }
    }
}
