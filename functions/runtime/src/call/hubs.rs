//! Finds the hub of a call.

use axum::http::StatusCode;
use percent_encoding::percent_decode_str;
use signalr_serverless::{ApplicationName, HubName};

use crate::{
    call::problem::Problem,
    config::{
        environment::{ConfigError, Environment},
        variable,
    },
};

/// The hubs that the functions serve.
#[derive(Clone, Debug)]
pub struct Hubs {
    /// The hub of calls that name no hub.
    default: Option<HubName>,
    served: Vec<HubName>,
    application: Option<ApplicationName>,
}

impl Hubs {
    pub(crate) fn from_environment(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let default: Option<HubName> = environment.parse(variable::HUB)?;
        let served = match (environment.list(variable::HUBS)?, &default) {
            (Some(names), _) => names
                .iter()
                .map(|name| name.parse().map_err(|error| ConfigError::of(variable::HUBS, error)))
                .collect::<Result<Vec<HubName>, _>>()?,
            (None, Some(hub)) => vec![hub.clone()],
            (None, None) => {
                return Err(ConfigError::of(
                    variable::HUB,
                    "is not set; name the hub to serve, such as chat",
                ));
            }
        };
        if let Some(hub) = default.as_ref().filter(|hub| !served.contains(hub)) {
            return Err(ConfigError::of(
                variable::HUB,
                format!("names '{hub}', which is not in SIGNALR_HUBS; add it there"),
            ));
        }
        let application: Option<ApplicationName> = environment.parse(variable::APPLICATION)?;
        for (hub, application) in served.iter().zip(application.iter().cycle()) {
            application
                .prefix(hub)
                .map_err(|error| ConfigError::of(variable::APPLICATION, error))?;
        }
        Ok(Self { default, served, application })
    }

    /// The hub's name on the service, with the application prefix. The segment comes from a path
    /// and is still percent-encoded.
    ///
    /// # Errors
    ///
    /// 404 if the hub is not served, or if the path names no hub and there is no default.
    pub(crate) fn find(&self, segment: Option<&str>) -> Result<HubName, Problem> {
        let hub = match segment {
            Some(segment) => self.own_name(parse_segment(segment)?),
            None => self.default.clone().ok_or_else(|| {
                not_found("the path names no hub; put it in front, as in /api/{hub}/negotiate")
            })?,
        };
        if !self.served.contains(&hub) {
            return Err(not_found(format!(
                "hub '{hub}' is not served here; use one of those in SIGNALR_HUBS"
            )));
        }
        match &self.application {
            Some(application) => {
                application.prefix(&hub).map_err(|error| not_found(error.to_string()))
            }
            None => Ok(hub),
        }
    }
}

impl Hubs {
    /// Removes the application prefix: the service uses a hub's full name, so upstreams' paths may
    /// have it.
    fn own_name(&self, hub: HubName) -> HubName {
        let Some(application) = &self.application else { return hub };
        let full = |served: &&HubName| application.prefix(served).is_ok_and(|full| full == hub);
        match self.served.iter().find(full) {
            Some(served) if !self.served.contains(&hub) => served.clone(),
            _ => hub,
        }
    }
}

fn parse_segment(segment: &str) -> Result<HubName, Problem> {
    let name = percent_decode_str(segment).decode_utf8_lossy();
    HubName::parse(&name).map_err(|error| not_found(error.to_string()))
}

fn not_found(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hubs(set: &[(&str, &str)]) -> Result<Hubs, String> {
        let lookup =
            |key: &str| set.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).into());
        Hubs::from_environment(&Environment::new(&lookup)).map_err(|error| error.to_string())
    }

    fn found(hubs: &Hubs, segment: Option<&str>) -> Option<String> {
        hubs.find(segment).ok().map(|hub| hub.as_str().to_owned())
    }

    #[test]
    fn one_hub_is_served_by_name_and_without() {
        let hubs = hubs(&[("SIGNALR_HUB", "Chat")]).unwrap();
        for segment in [None, Some("chat"), Some("CHAT"), Some("%63hat")] {
            assert_eq!(found(&hubs, segment).as_deref(), Some("chat"), "{segment:?}");
        }
        for segment in ["news", "", "chat%2Fx", "%2563hat", "%ff", "a-b"] {
            assert_eq!(hubs.find(Some(segment)).unwrap_err().status(), 404, "{segment}");
        }
    }

    #[test]
    fn several_hubs_need_no_default() {
        let hubs = hubs(&[("SIGNALR_HUBS", "chat, news,")]).unwrap();
        assert_eq!(found(&hubs, Some("news")).as_deref(), Some("news"));
        assert_eq!(hubs.find(None).unwrap_err().status(), 404);
    }

    #[test]
    fn the_application_stands_in_front() {
        let hubs = hubs(&[("SIGNALR_HUB", "chat"), ("SIGNALR_APPLICATION", "Shop")]).unwrap();
        assert_eq!(found(&hubs, None).as_deref(), Some("shop_chat"));
        assert_eq!(found(&hubs, Some("chat")).as_deref(), Some("shop_chat"));
        assert_eq!(found(&hubs, Some("Shop_chat")).as_deref(), Some("shop_chat"));
        assert_eq!(found(&hubs, Some("shop_other")), None);
    }

    #[test]
    fn bad_names_are_refused_by_their_variable() {
        let long = "h".repeat(128);
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[], "SIGNALR_HUB: is not set"),
            (&[("SIGNALR_HUB", "a-b")], "SIGNALR_HUB: hub name 'a-b'"),
            (&[("SIGNALR_HUBS", "ok,9")], "SIGNALR_HUBS: hub name '9'"),
            (&[("SIGNALR_HUBS", " , ")], "SIGNALR_HUBS: is a list without entries"),
            (&[("SIGNALR_HUB", "a"), ("SIGNALR_HUBS", "b")], "SIGNALR_HUB: names 'a'"),
            (&[("SIGNALR_HUB", &long), ("SIGNALR_APPLICATION", "a")], "SIGNALR_APPLICATION: hub"),
        ];
        for (set, start) in cases {
            let error = hubs(set).unwrap_err();
            assert!(error.starts_with(start), "{error}");
        }
    }
}
