//! The negotiation: where to connect, with which token, and by which transports.

use http::StatusCode;
use serde::Deserialize;
use url::Url;

use crate::{
    encoding::Protocol,
    error::ConnectError,
    options::Options,
    refusal::{host_of, shown, unreachable},
    transport::kind::Kind,
};

/// How often a negotiation may be redirected. Source: the stock JavaScript client.
const MOST_REDIRECTS: u32 = 100;
/// The longest answer to a negotiation, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// Where and how to open a connection.
#[derive(Debug)]
pub(crate) struct Negotiated {
    /// The URL, with the connection token in its query.
    pub(crate) url: Url,
    pub(crate) token: Option<String>,
    pub(crate) connection_id: Option<String>,
    /// The transports that both sides support, the best first.
    pub(crate) transports: Vec<Kind>,
    pub(crate) is_stateful: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    url: Option<String>,
    access_token: Option<String>,
    error: Option<String>,
    connection_id: Option<String>,
    connection_token: Option<String>,
    #[serde(default)]
    available_transports: Vec<Offer>,
    #[serde(default)]
    use_stateful_reconnect: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    transport: String,
    #[serde(default)]
    transfer_formats: Vec<String>,
}

pub(crate) async fn negotiate(
    client: &Options,
    http: &reqwest::Client,
) -> Result<Negotiated, ConnectError> {
    let mut token = client.token.current().await.map_err(ConnectError::Token)?;
    let mut url = client.url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let answer = ask(client, http, &url, token.as_deref()).await?;
        if let Some(error) = answer.error {
            return Err(ConnectError::Negotiation(error));
        }
        let Some(next) = &answer.url else { return negotiated(client, url, token, answer) };
        let next = Url::parse(next).map_err(|error| ConnectError::NotSignalR {
            host: host_of(&url),
            problem: format!("it sends clients on to '{next}', which is not a URL: {error}"),
        })?;
        // A token must go only to the server that it was made for.
        let is_elsewhere = next.origin() != url.origin();
        token = answer.access_token.or(token.filter(|_| !is_elsewhere));
        url = next;
    }
    Err(ConnectError::TooManyRedirects(MOST_REDIRECTS))
}

async fn ask(
    client: &Options,
    http: &reqwest::Client,
    url: &Url,
    token: Option<&str>,
) -> Result<Answer, ConnectError> {
    let mut negotiate = url.clone();
    negotiate.set_path(&format!("{}/negotiate", url.path().trim_end_matches('/')));
    {
        let mut query = negotiate.query_pairs_mut();
        if !url.query_pairs().any(|(name, _)| name == "negotiateVersion") {
            query.append_pair("negotiateVersion", "1");
        }
        if client.is_stateful {
            query.append_pair("useStatefulReconnect", "true");
        }
    }
    let mut request = http.post(negotiate).header("x-requested-with", "XMLHttpRequest");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let host = host_of(url);
    let mut response = request.send().await.map_err(|error| unreachable(&host, &error))?;
    let status = response.status();
    let mut body = Vec::new();
    while body.len() < MOST_BYTES
        && let Some(piece) = response.chunk().await.map_err(|error| unreachable(&host, &error))?
    {
        body.extend_from_slice(&piece);
    }
    if status != StatusCode::OK {
        return Err(ConnectError::Refused { host, status, text: shown(&body) });
    }
    serde_json::from_slice(&body).map_err(|error| ConnectError::NotSignalR {
        host,
        problem: format!("its answer to the negotiation is '{}' ({error})", shown(&body)),
    })
}

fn negotiated(
    client: &Options,
    mut url: Url,
    token: Option<String>,
    answer: Answer,
) -> Result<Negotiated, ConnectError> {
    let Some(id) = answer.connection_token.as_ref().or(answer.connection_id.as_ref()) else {
        return Err(ConnectError::NotSignalR {
            host: host_of(&url),
            problem: "its negotiation has neither a url nor a connectionId".to_owned(),
        });
    };
    let needed = match client.protocol {
        Protocol::Json => "Text",
        Protocol::MessagePack => "Binary",
    };
    let carries = |offer: &&Offer| offer.transfer_formats.iter().any(|format| format == needed);
    let offers = answer.available_transports.iter().filter(carries);
    let mut transports =
        offers.filter_map(|offer| Kind::named(&offer.transport)).collect::<Vec<_>>();
    transports.retain(|kind| client.transports.contains(kind));
    if transports.is_empty() {
        let names = answer.available_transports.iter().map(|offer| offer.transport.as_str());
        let offered = names.collect::<Vec<_>>().join(", ");
        return Err(ConnectError::NoTransport { offered });
    }
    url.query_pairs_mut().append_pair("id", id);
    Ok(Negotiated {
        url,
        token,
        connection_id: answer.connection_id,
        transports,
        is_stateful: client.is_stateful && answer.use_stateful_reconnect,
    })
}
