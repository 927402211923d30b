//! The choices of a client.

use std::time::Duration;

use signalr_http_client::Trust;
use url::Url;

use crate::{encoding::Protocol, reconnect::Reconnect, token::Token, transport::kind::Kind};

/// The choices of a client.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) url: Url,
    pub(crate) protocol: Protocol,
    pub(crate) transports: Vec<Kind>,
    pub(crate) token: Token,
    pub(crate) reconnect: Option<Reconnect>,
    pub(crate) is_stateful: bool,
    pub(crate) negotiates: bool,
    pub(crate) connect_limit: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) server_timeout: Duration,
    pub(crate) max_message: usize,
    pub(crate) queued_events: usize,
    pub(crate) trust: Trust,
    pub(crate) http: Option<reqwest::Client>,
}
