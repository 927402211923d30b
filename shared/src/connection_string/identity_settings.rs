//! A service and an identity from separate settings, with the names of Azure Functions:
//! `<prefix>__serviceUri` and others.

use super::{
    ConnectionString, ConnectionStringError, PREVIEW_PORT, error::show_value, names_port, origin,
    parse_url,
};
use crate::credential::{ApplicationProof, ClientSecret, Credential, EntraIdentity};

impl ConnectionString {
    /// Reads `<prefix>__serviceUri`, `__credential`, `__clientId`, `__tenantId` and
    /// `__clientSecret`; `None` if there is no service URI. Empty settings count as missing.
    ///
    /// With a client secret the identity is a registered application. With
    /// `__credential=managedidentity`, or with only a client id, it is a managed identity.
    /// Otherwise it is the first identity that the environment offers.
    ///
    /// ```
    /// use signalr_serverless::ConnectionString;
    ///
    /// let lookup = |name: &str| match name {
    ///     "AzureSignalRConnectionString__serviceUri" => Some("https://x.service.signalr.net".into()),
    ///     _ => None,
    /// };
    /// let service = ConnectionString::from_identity_settings("AzureSignalRConnectionString", lookup)?;
    /// assert_eq!(service.unwrap().endpoint(), "https://x.service.signalr.net");
    /// # Ok::<(), signalr_serverless::ConnectionStringError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectionStringError`]: names the setting that is wrong or missing.
    pub fn from_identity_settings(
        prefix: &str,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConnectionStringError> {
        let settings = Settings { prefix, lookup };
        let Some(text) = settings.get("serviceUri") else { return Ok(None) };
        let url = parse_url(&text).ok_or_else(|| ConnectionStringError::InvalidSetting {
            setting: settings.name("serviceUri"),
            value: show_value(&text),
            remedy: "use the service's URL, 'https://<name>.service.signalr.net'",
        })?;
        let credential = Credential::Entra(settings.identity()?);
        let endpoint = origin(url.clone(), None);
        let preview_endpoint =
            if names_port(&text) { endpoint.clone() } else { origin(url, Some(PREVIEW_PORT)) };
        Ok(Some(Self {
            client_endpoint: endpoint.clone(),
            server_endpoint: endpoint.clone(),
            preview_endpoint,
            endpoint,
            version: None,
            credential,
        }))
    }
}

struct Settings<'a, L> {
    prefix: &'a str,
    lookup: L,
}

impl<L: Fn(&str) -> Option<String>> Settings<'_, L> {
    fn identity(&self) -> Result<EntraIdentity, ConnectionStringError> {
        let client_id = self.get("clientId");
        match self.get("credential") {
            Some(kind) if kind.eq_ignore_ascii_case("managedidentity") => {
                return Ok(EntraIdentity::ManagedIdentity { client_id });
            }
            Some(kind) => {
                return Err(ConnectionStringError::InvalidSetting {
                    setting: self.name("credential"),
                    value: show_value(&kind),
                    remedy: "use 'managedidentity', or leave it out",
                });
            }
            None => {}
        }
        match (client_id, self.get("clientSecret")) {
            (client_id, Some(secret)) => Ok(EntraIdentity::Application {
                client_id: client_id.ok_or_else(|| self.missing("clientId"))?,
                tenant_id: self.get("tenantId").ok_or_else(|| self.missing("tenantId"))?,
                proof: ApplicationProof::Secret(ClientSecret::new(&secret)),
            }),
            (Some(client_id), None) => {
                Ok(EntraIdentity::ManagedIdentity { client_id: Some(client_id) })
            }
            (None, None) => Ok(EntraIdentity::Default),
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(&self.name(name))?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn name(&self, name: &str) -> String {
        format!("{}__{name}", self.prefix)
    }

    fn missing(&self, name: &str) -> ConnectionStringError {
        ConnectionStringError::MissingSetting {
            setting: self.name(name),
            because: self.name("clientSecret"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Option<ConnectionString>, String> {
        let lookup = |name: &str| {
            let name = name.strip_prefix("S__")?;
            settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        ConnectionString::from_identity_settings("S", lookup).map_err(|error| error.to_string())
    }

    fn identity(more: &[(&str, &str)]) -> EntraIdentity {
        let settings = [&[("serviceUri", "https://x.service.signalr.net/")], more].concat();
        match read(&settings).unwrap().unwrap().credential {
            Credential::Entra(identity) => identity,
            Credential::AccessKey(_) => panic!("{more:?} is a key"),
        }
    }

    #[test]
    fn the_service_is_named_and_the_identity_follows_from_what_is_set() {
        let service = read(&[("serviceUri", "https://x.service.signalr.net/")]).unwrap().unwrap();
        assert_eq!(service.endpoint(), "https://x.service.signalr.net");
        assert_eq!(service.client_endpoint(), service.endpoint());
        assert_eq!(service.preview_endpoint(), "https://x.service.signalr.net:5002");
        let local = read(&[("serviceUri", "http://localhost:8888")]).unwrap().unwrap();
        assert_eq!(local.preview_endpoint(), "http://localhost:8888");

        let app = Some("app".to_owned());
        assert_eq!(identity(&[]), EntraIdentity::Default);
        assert_eq!(identity(&[("clientSecret", " ")]), EntraIdentity::Default);
        assert_eq!(
            identity(&[("clientId", "app")]),
            EntraIdentity::ManagedIdentity { client_id: app.clone() }
        );
        assert_eq!(
            identity(&[("credential", "ManagedIdentity")]),
            EntraIdentity::ManagedIdentity { client_id: None }
        );
        assert_eq!(
            identity(&[("clientId", "app"), ("tenantId", "dir"), ("clientSecret", "hunter2")]),
            EntraIdentity::Application {
                client_id: "app".to_owned(),
                tenant_id: "dir".to_owned(),
                proof: ApplicationProof::Secret(ClientSecret::new("hunter2")),
            }
        );
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_shown() {
        assert_eq!(read(&[("clientId", "app")]), Ok(None));
        assert_eq!(read(&[("serviceUri", "")]), Ok(None));
        let uri = ("serviceUri", "https://x.net");
        for (settings, part) in [
            (&[("serviceUri", "x.net")][..], "S__serviceUri 'x.net' cannot be used"),
            (&[("serviceUri", "https://u:hunter2@x.net")], "S__serviceUri '(hidden"),
            (&[uri, ("clientSecret", "hunter2")], "S__clientId is not set"),
            (&[uri, ("clientSecret", "hunter2"), ("clientId", "a")], "S__tenantId is not set"),
            (&[uri, ("credential", "magic")], "S__credential 'magic' cannot be used"),
        ] {
            let error = read(settings).unwrap_err();
            assert!(error.contains(part) && !error.contains("hunter2"), "{error}");
        }
    }
}
