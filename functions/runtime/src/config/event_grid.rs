//! The receiver of connection events, which are events of Azure Event Grid.

use std::fmt;

use url::{Host, Url};

use crate::config::{
    environment::{ConfigError, Environment},
    variable,
};

/// The receiver of connection events: a topic of Event Grid, or a webhook that accepts its events.
#[derive(Clone, PartialEq, Eq)]
pub struct EventGrid {
    url: String,
    key: Option<String>,
    schema: EventSchema,
}

/// The schema of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Event Grid has these two for SignalR")]
pub enum EventSchema {
    /// CloudEvents 1.0.
    #[default]
    CloudEvents,
    /// Event Grid's own schema.
    EventGrid,
}

impl EventGrid {
    pub(crate) fn from_environment(
        environment: &Environment<'_>,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(url) = environment.text(variable::EVENT_GRID_ENDPOINT)? else { return Ok(None) };
        check(&url).map_err(|problem| ConfigError::of(variable::EVENT_GRID_ENDPOINT, problem))?;
        let schema = match environment.text(variable::EVENT_GRID_SCHEMA)?.as_deref() {
            None | Some("cloudevents") => EventSchema::CloudEvents,
            Some("eventgrid") => EventSchema::EventGrid,
            Some(other) => {
                let problem = format!("'{other}' is not known; use cloudevents or eventgrid");
                return Err(ConfigError::of(variable::EVENT_GRID_SCHEMA, problem));
            }
        };
        Ok(Some(Self { url, key: environment.text(variable::EVENT_GRID_KEY)?, schema }))
    }

    /// The URL that events are POSTed to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key of a topic. A webhook has none: it is asked whether it wants events.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The schema of events.
    #[must_use]
    pub fn schema(&self) -> EventSchema {
        self.schema
    }
}

/// The URL of a webhook is often a secret as well.
impl fmt::Debug for EventGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventGrid({:?}, <redacted>)", self.schema)
    }
}

fn check(url: &str) -> Result<(), &'static str> {
    const REMEDY: &str = "is not a URL with https, or http on this machine (it is not shown); use the topic's endpoint or a webhook's URL";
    let url = Url::parse(url).map_err(|_| REMEDY)?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => Err(REMEDY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    #[test]
    fn a_topic_or_a_webhook_is_named_and_never_shown() {
        let endpoint = ("EVENT_GRID_ENDPOINT", "https://topic.example/api/events?code=s3cret");
        let topic = config(&[endpoint, ("EVENT_GRID_KEY", "s3cret")]).unwrap();
        let target = topic.event_grid.as_ref().unwrap();
        assert_eq!((target.key(), target.schema()), (Some("s3cret"), EventSchema::CloudEvents));
        assert!(!format!("{topic:?}").contains("s3cret"));
        let own = config(&[endpoint, ("EVENT_GRID_SCHEMA", "eventgrid")]).unwrap();
        assert_eq!(own.event_grid.unwrap().schema(), EventSchema::EventGrid);
        assert_eq!(config(&[]).unwrap().event_grid, None);
        for (set, start) in [
            ([endpoint, ("EVENT_GRID_SCHEMA", "xml")], "EVENT_GRID_SCHEMA: 'xml' is not known"),
            (
                [("EVENT_GRID_ENDPOINT", "http://x.example/s3cret"), endpoint],
                "EVENT_GRID_ENDPOINT: is not a URL with https",
            ),
        ] {
            let error = config(&set).unwrap_err();
            assert!(error.starts_with(start) && !error.contains("s3cret"), "{error}");
        }
    }
}
