//! Settings from the environment and from a .env file. The environment overrides the file.

use std::{collections::HashMap, ffi::OsString, path::Path};

use signalr_function_runtime::variable;
use signalr_serverless::{ConnectionString, HubName};

use crate::failure::Failure;

const FILE: &str = ".env";

pub(super) struct Lookup<E> {
    environment: E,
    file: HashMap<String, String>,
}

impl<E: Fn(&str) -> Option<OsString>> Lookup<E> {
    pub(super) fn new(environment: E) -> Result<Self, Failure> {
        Ok(Self { environment, file: read(Path::new(FILE))? })
    }

    fn get(&self, name: &str) -> Option<String> {
        let set = (self.environment)(name).map(|value| value.to_string_lossy().into_owned());
        // A variable that is set to nothing counts as unset.
        set.or_else(|| self.file.get(name).cloned()).filter(|value| !value.is_empty())
    }

    /// The connection string of the flag, or of the environment or the .env file.
    pub(super) fn connection_string(
        &self,
        flag: Option<&str>,
    ) -> Result<ConnectionString, Failure> {
        let parse = |from: &str, text: &str| {
            ConnectionString::parse(text).map_err(|error| {
                Failure::Configuration(format!(
                    "{from}: {error}. In a shell, put it in quotes, as it has semicolons"
                ))
            })
        };
        if let Some(text) = flag {
            return parse("--connection-string", text);
        }
        let names = [variable::CONNECTION_STRING.name, variable::CONNECTION_STRING_SECTION.name];
        for name in names {
            if let Some(text) = self.get(name) {
                return parse(name, &text);
            }
        }
        let identity = ConnectionString::from_identity_settings(names[0], |name| self.get(name));
        identity.map_err(|error| Failure::configuration(&error))?.ok_or_else(|| {
            Failure::Configuration(format!(
                "there is no connection string; give -c 'Endpoint=…;AccessKey=…', or set {} in the \
                 environment or in {FILE}. 'signalr serve' prints that of a service on this machine",
                names[0]
            ))
        })
    }

    pub(super) fn hub(&self) -> Result<HubName, Failure> {
        let name = variable::HUB.name;
        let Some(hub) = self.get(name) else {
            return Err(Failure::Configuration(format!(
                "there is no hub; give --hub NAME, or set {name} in the environment or in {FILE}"
            )));
        };
        HubName::parse(&hub).map_err(|error| Failure::Configuration(format!("{name}: {error}")))
    }
}

fn read(file: &Path) -> Result<HashMap<String, String>, Failure> {
    let bad = |problem: String| {
        Failure::Configuration(format!(
            "{}: {problem}; write lines such as NAME=value",
            file.display()
        ))
    };
    match dotenvy::from_path_iter(file) {
        Ok(pairs) => pairs.map(|pair| pair.map_err(|error| bad(error.to_string()))).collect(),
        Err(error) if error.not_found() => Ok(HashMap::new()),
        Err(error) => Err(bad(error.to_string())),
    }
}
