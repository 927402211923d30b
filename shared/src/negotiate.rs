//! The answer that redirects a client to the service: `{"url","accessToken"}`.

use std::{borrow::Cow, time::SystemTime};

#[cfg(feature = "entra")]
use crate::entra::SigningKeys;
#[cfg(feature = "rest")]
use crate::rest::RestClient;
use crate::{
    access_key::AccessKey,
    connection_string::ConnectionString,
    credential::Credential,
    error::Error,
    name::{ApplicationName, HubName},
    token::{NegotiateOptions, OwnTokens, Token},
};

/// Answers negotiate requests for one service.
///
/// An access key signs the answers at once, without a network call. For a Microsoft Entra identity
/// the service gives out a key. The first answer fetches it, and it is fetched again when it is 55
/// minutes old. Until the new key arrives, the old one signs, up to an age of 110 minutes. Clones
/// share the key, so one negotiator is enough for a whole program.
///
/// ```
/// # fn main() -> Result<(), signalr_serverless::Error> {
/// # futures_util::FutureExt::now_or_never(async {
/// use std::{borrow::Cow, time::SystemTime};
/// use signalr_serverless::{ConnectionString, HubName, NegotiateOptions, Negotiator};
///
/// let service = ConnectionString::parse("Endpoint=https://x.service.signalr.net;AccessKey=k")?;
/// let hub = HubName::parse("Chat")?;
/// let options = NegotiateOptions::default();
/// let answer = Negotiator::new(&service)?.negotiate(&hub, &options, SystemTime::now()).await?;
/// assert_eq!(answer.url, "https://x.service.signalr.net/client/?hub=chat");
/// # Ok(())
/// # }).expect("an access key needs no waiting")
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Negotiator {
    client_url: ClientUrl,
    signer: Signer,
    own_tokens: OwnTokens,
}

/// The key that signs.
#[derive(Clone, Debug)]
enum Signer {
    AccessKey(AccessKey),
    /// The current key that the service gives out.
    #[cfg(feature = "entra")]
    Service(SigningKeys),
}

impl Negotiator {
    /// Answers for a service if the connection string has its access key.
    ///
    /// # Errors
    ///
    /// [`Error::EntraNotSupported`] if it names a Microsoft Entra identity.
    pub fn new(service: &ConnectionString) -> Result<Self, Error> {
        let Credential::AccessKey(key) = service.credential() else {
            return Err(Error::EntraNotSupported);
        };
        Ok(Self::signed(service, Signer::AccessKey(key.clone())))
    }

    /// Answers for the service of the connection string, with any credential. If there is no access
    /// key, `client` fetches keys. It must be a client of the same service.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), signalr_serverless::Error> {
    /// use signalr_serverless::{ConnectionString, Negotiator, rest::RestClient};
    ///
    /// let service = ConnectionString::parse("Endpoint=https://x.service.signalr.net;AuthType=azure.msi")?;
    /// let negotiator = Negotiator::with_client(&service, &RestClient::new(&service)?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::EntraNotSupported`] if there is no access key and this crate was built without
    /// its feature `entra`.
    #[cfg(feature = "rest")]
    #[cfg_attr(not(feature = "entra"), expect(unused_variables, reason = "only Entra has calls"))]
    pub fn with_client(service: &ConnectionString, client: &RestClient) -> Result<Self, Error> {
        match service.credential() {
            #[cfg(feature = "entra")]
            Credential::Entra(_) => {
                Ok(Self::signed(service, Signer::Service(SigningKeys::new(client))))
            }
            _ => Self::new(service),
        }
    }

    fn signed(service: &ConnectionString, signer: Signer) -> Self {
        let own_tokens = match &signer {
            Signer::AccessKey(key) => OwnTokens::Signed(key.clone()),
            #[cfg(feature = "entra")]
            Signer::Service(_) => {
                let endpoints = [service.endpoint(), service.client_endpoint()];
                OwnTokens::Named { endpoints: endpoints.map(str::to_owned).to_vec() }
            }
        };
        Self { client_url: ClientUrl::new(service), signer, own_tokens }
    }

    /// Whether this token was signed here for a client to connect to the service. It may have
    /// expired.
    ///
    /// When stock JavaScript clients without their own token reconnect, they send this token to the
    /// app's negotiate. It does not prove who calls. With an access key, the signature shows that the
    /// token is ours. With an identity, only its audience and its `asrs.` claims do, which proves
    /// nothing. So use the answer only to treat the caller as one without a token.
    ///
    /// ```
    /// use signalr_serverless::{ConnectionString, Negotiator};
    ///
    /// let service = ConnectionString::parse("Endpoint=https://x.service.signalr.net;AccessKey=k")?;
    /// assert!(!Negotiator::new(&service)?.signed_for_clients("a.b.c"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn signed_for_clients(&self, token: &str) -> bool {
        self.own_tokens.have(token)
    }

    /// Prefixes every hub with the application's name.
    #[must_use]
    pub fn with_application(mut self, application: ApplicationName) -> Self {
        self.client_url.application = Some(application);
        self
    }

    /// Answers a client that wants to join a hub.
    ///
    /// The token's audience is exactly the answer's URL. If the service has a `ClientEndpoint`, the
    /// audience names the `Endpoint` instead, as in Azure's SDK and as Azure expects.
    ///
    /// # Errors
    ///
    /// The errors of [`Token::client`], and [`Error::Name`] if application and hub together are too
    /// long for a hub name. If the service gives out no key, the errors of
    /// `RestClient::access_key`: for example a [`Refusal`](crate::Refusal) with 403 if the identity
    /// lacks its role.
    #[cfg_attr(not(feature = "entra"), expect(clippy::unused_async, reason = "only Entra waits"))]
    pub async fn negotiate(
        &self,
        hub: &HubName,
        options: &NegotiateOptions,
        now: SystemTime,
    ) -> Result<NegotiateAnswer, Error> {
        let url = self.client_url.of(hub)?;
        let audience = self.client_url.audience(hub, &url)?;
        let access_token = match &self.signer {
            Signer::AccessKey(key) => Token::client(key, &audience, options, now)?,
            #[cfg(feature = "entra")]
            Signer::Service(keys) => {
                keys.current(now).await?.client_token(&audience, options, now)?
            }
        };
        Ok(NegotiateAnswer { url, access_token })
    }
}

/// The URL and the token with which a client connects.
///
/// ```
/// # fn example(answer: signalr_serverless::NegotiateAnswer) -> Result<(), serde_json::Error> {
/// let json = serde_json::to_string(&answer)?;
/// assert!(json.starts_with(r#"{"url":"http"#));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NegotiateAnswer {
    /// The URL to connect to.
    pub url: String,
    /// The token to connect with.
    pub access_token: Token,
}

impl NegotiateAnswer {
    /// Appends a client's own query: `a=1&b=2`, encoded as in a URL, without `?`. The service passes
    /// it to upstreams. The token's audience stays the URL without it, as with Azure's SDK.
    ///
    /// ```
    /// # fn example(answer: signalr_serverless::NegotiateAnswer) {
    /// assert!(answer.with_query("room=7").url.ends_with("/client/?hub=chat&room=7"));
    /// # }
    /// ```
    #[must_use]
    pub fn with_query(mut self, query: &str) -> Self {
        if !query.is_empty() {
            self.url.push('&');
            self.url.push_str(query);
        }
        self
    }
}

/// The URL for the clients of a hub, and the audience of their tokens.
#[derive(Clone, Debug)]
pub(crate) struct ClientUrl {
    client_endpoint: String,
    endpoint: String,
    pub(crate) application: Option<ApplicationName>,
}

impl ClientUrl {
    pub(crate) fn new(service: &ConnectionString) -> Self {
        Self {
            client_endpoint: service.client_endpoint().to_owned(),
            endpoint: service.endpoint().to_owned(),
            application: None,
        }
    }

    /// The hub is not percent-encoded, as in Azure's own SDK. Every character of a hub name is
    /// valid in a query.
    pub(crate) fn of(&self, hub: &HubName) -> Result<String, Error> {
        self.at(&self.client_endpoint, hub)
    }

    /// The same URL with the service's own host, even if clients use another. `url` is the URL for
    /// the clients of this hub.
    pub(crate) fn audience<'a>(&self, hub: &HubName, url: &'a str) -> Result<Cow<'a, str>, Error> {
        if self.endpoint == self.client_endpoint {
            return Ok(url.into());
        }
        self.at(&self.endpoint, hub).map(Cow::Owned)
    }

    fn at(&self, endpoint: &str, hub: &HubName) -> Result<String, Error> {
        Ok(match &self.application {
            Some(application) => {
                [endpoint, "/client/?hub=", application.prefix(hub)?.as_str()].concat()
            }
            None => [endpoint, "/client/?hub=", hub.as_str()].concat(),
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

    async fn answer(negotiator: &Negotiator, hub: &str) -> Result<NegotiateAnswer, Error> {
        let hub = HubName::parse(hub).unwrap();
        negotiator.negotiate(&hub, &NegotiateOptions::default(), SystemTime::now()).await
    }

    fn audience(token: &Token) -> Value {
        jsonwebtoken::dangerous::insecure_decode::<Value>(token.as_str()).unwrap().claims["aud"]
            .clone()
    }

    #[tokio::test]
    async fn audience_is_the_url_to_the_letter() {
        for (endpoint, hub, url) in [
            ("http://localhost;Port=8888", "Chat", "http://localhost:8888/client/?hub=chat"),
            ("https://x.net/", "a_`,.[]", "https://x.net/client/?hub=a_`,.[]"),
        ] {
            let negotiator = negotiator(&format!("Endpoint={endpoint};AccessKey=k"));
            let answer = answer(&negotiator, hub).await.unwrap();
            assert_eq!(answer.url, url);
            assert_eq!(audience(&answer.access_token), url);
        }
    }

    #[tokio::test]
    async fn behind_a_client_endpoint_the_audience_is_the_services_own() {
        let negotiator =
            negotiator("Endpoint=https://x.net;ClientEndpoint=https://gw:444/path;AccessKey=k");
        let answered = answer(&negotiator, "Chat").await.unwrap();
        assert_eq!(answered.url, "https://gw:444/path/client/?hub=chat");
        assert_eq!(audience(&answered.access_token), "https://x.net/client/?hub=chat");
    }

    #[tokio::test]
    async fn an_application_prefixes_the_hub() {
        let negotiator = negotiator("Endpoint=https://x.net;AccessKey=k")
            .with_application(ApplicationName::parse("Shop").unwrap());
        let answered = answer(&negotiator, "Chat").await.unwrap();
        assert_eq!(answered.url, "https://x.net/client/?hub=shop_chat");
        let too_long = answer(&negotiator, &"h".repeat(128)).await;
        assert!(matches!(too_long, Err(Error::Name(_))), "{too_long:?}");
    }

    #[tokio::test]
    async fn the_answer_has_two_fields() {
        let negotiator = negotiator("Endpoint=https://x.net;AccessKey=k");
        let answer = answer(&negotiator, "chat").await.unwrap();
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
