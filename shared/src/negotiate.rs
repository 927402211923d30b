//! The answer that sends a client on to the service: `{"url","accessToken"}`.

use std::time::SystemTime;

use crate::{
    connection_string::ConnectionString,
    credential::{AccessKey, Credential},
    error::Error,
    name::{ApplicationName, HubName},
    token::{NegotiateOptions, Token},
};

/// Answers negotiate requests for one service. It makes no network call.
///
/// ```
/// use std::time::SystemTime;
/// use signalr_serverless::{ConnectionString, HubName, NegotiateOptions, Negotiator};
///
/// let service = ConnectionString::parse("Endpoint=https://x.service.signalr.net;AccessKey=k")?;
/// let hub = HubName::parse("Chat")?;
/// let options = NegotiateOptions::default();
/// let answer = Negotiator::new(&service)?.negotiate(&hub, &options, SystemTime::now())?;
/// assert_eq!(answer.url, "https://x.service.signalr.net/client/?hub=chat");
/// # Ok::<(), signalr_serverless::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Negotiator {
    client_url: ClientUrl,
    key: AccessKey,
}

impl Negotiator {
    /// Answers for the service that the connection string names.
    ///
    /// # Errors
    ///
    /// [`Error::EntraNotSupported`] where the connection string has no access key to sign with: an
    /// `EntraNegotiator` asks the service for one.
    pub fn new(service: &ConnectionString) -> Result<Self, Error> {
        let Credential::AccessKey(key) = service.credential() else {
            return Err(Error::EntraNotSupported);
        };
        Ok(Self { client_url: ClientUrl::new(service), key: key.clone() })
    }

    /// Prefixes every hub with the application's name.
    #[must_use]
    pub fn with_application(mut self, application: ApplicationName) -> Self {
        self.client_url.application = Some(application);
        self
    }

    /// Answers a client that wants to join a hub.
    ///
    /// The token's audience equals the answer's URL to the letter.
    ///
    /// # Errors
    ///
    /// Those of [`Token::client`], and [`Error::Name`] where application and hub together are
    /// longer than a hub name may be.
    pub fn negotiate(
        &self,
        hub: &HubName,
        options: &NegotiateOptions,
        now: SystemTime,
    ) -> Result<NegotiateAnswer, Error> {
        let url = self.client_url.of(hub)?;
        let access_token = Token::client(&self.key, &url, options, now)?;
        Ok(NegotiateAnswer { url, access_token })
    }
}

/// Where a client connects and the token it brings.
///
/// ```
/// # use std::time::SystemTime;
/// # use signalr_serverless::{ConnectionString, HubName, NegotiateOptions, Negotiator};
/// # let service = ConnectionString::parse("Endpoint=http://localhost;Port=8888;AccessKey=k")?;
/// # let answer = Negotiator::new(&service)?.negotiate(
/// #     &HubName::parse("chat")?, &NegotiateOptions::default(), SystemTime::now())?;
/// let json = serde_json::to_string(&answer)?;
/// assert!(json.starts_with(r#"{"url":"http://localhost:8888/client/?hub=chat","accessToken":"ey"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NegotiateAnswer {
    /// The URL to connect to.
    pub url: String,
    /// The token to connect with.
    pub access_token: Token,
}

/// Where the clients of a hub connect.
#[derive(Clone, Debug)]
pub(crate) struct ClientUrl {
    endpoint: String,
    pub(crate) application: Option<ApplicationName>,
}

impl ClientUrl {
    pub(crate) fn new(service: &ConnectionString) -> Self {
        Self { endpoint: service.client_endpoint().to_owned(), application: None }
    }

    /// The hub is not percent-encoded: Azure's own SDK does not encode it, and all that a hub name
    /// may hold can stand in a query.
    pub(crate) fn of(&self, hub: &HubName) -> Result<String, Error> {
        let endpoint = &self.endpoint;
        Ok(match &self.application {
            Some(application) => format!("{endpoint}/client/?hub={}", application.prefix(hub)?),
            None => format!("{endpoint}/client/?hub={hub}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn negotiator(service: &str) -> Negotiator {
        Negotiator::new(&ConnectionString::parse(service).unwrap()).unwrap()
    }

    fn answer(negotiator: &Negotiator, hub: &str) -> Result<NegotiateAnswer, Error> {
        let hub = HubName::parse(hub).unwrap();
        negotiator.negotiate(&hub, &NegotiateOptions::default(), SystemTime::now())
    }

    fn audience(token: &Token) -> Value {
        jsonwebtoken::dangerous::insecure_decode::<Value>(token.as_str()).unwrap().claims["aud"]
            .clone()
    }

    #[test]
    fn audience_is_the_url_to_the_letter() {
        for (endpoint, hub, url) in [
            ("http://localhost;Port=8888", "Chat", "http://localhost:8888/client/?hub=chat"),
            ("https://x.net/", "a_`,.[]", "https://x.net/client/?hub=a_`,.[]"),
            (
                "https://x.net;ClientEndpoint=https://gw:444/path",
                "chat",
                "https://gw:444/path/client/?hub=chat",
            ),
        ] {
            let negotiator = negotiator(&format!("Endpoint={endpoint};AccessKey=k"));
            let answer = answer(&negotiator, hub).unwrap();
            assert_eq!(answer.url, url);
            assert_eq!(audience(&answer.access_token), url);
        }
    }

    #[test]
    fn an_application_prefixes_the_hub() {
        let negotiator = negotiator("Endpoint=https://x.net;AccessKey=k")
            .with_application(ApplicationName::parse("Shop").unwrap());
        assert_eq!(answer(&negotiator, "Chat").unwrap().url, "https://x.net/client/?hub=shop_chat");
        let too_long = answer(&negotiator, &"h".repeat(128));
        assert!(matches!(too_long, Err(Error::Name(_))), "{too_long:?}");
    }

    #[test]
    fn the_answer_has_two_fields() {
        let answer = answer(&negotiator("Endpoint=https://x.net;AccessKey=k"), "chat").unwrap();
        let json = serde_json::to_value(&answer).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"url": answer.url, "accessToken": answer.access_token.as_str()})
        );
    }

    #[test]
    fn an_entra_identity_is_an_honest_error() {
        let service = ConnectionString::parse("Endpoint=https://x.net;AuthType=azure.msi").unwrap();
        assert!(matches!(Negotiator::new(&service), Err(Error::EntraNotSupported)));
    }
}
