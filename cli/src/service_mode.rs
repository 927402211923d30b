//! The flag `--service-mode`: whether app servers or functions answer the clients of a hub.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use signalr_serverless::HubName;
use signalr_service::{ServiceMode, ServiceModes};

/// The flag of service modes.
#[derive(Args, Debug)]
#[command(next_help_heading = "App servers")]
pub(crate) struct ServiceModeFlags {
    /// The mode of all hubs, or of one with HUB=MODE (repeatable): default (app servers answer
    /// clients), serverless (upstreams do) or classic (app servers while one is connected)
    #[arg(
        long = "service-mode",
        value_name = "[HUB=]MODE",
        env = "SIGNALR_SERVICE_MODE",
        value_delimiter = ',',
        default_value = "classic"
    )]
    modes: Vec<Choice>,
}

/// A mode for all hubs, or for one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Choice {
    hub: Option<HubName>,
    mode: ServiceMode,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Default,
    Serverless,
    Classic,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (hub, mode) = match text.rsplit_once('=') {
            Some((hub, mode)) => {
                (Some(HubName::parse(hub).map_err(|error| error.to_string())?), mode)
            }
            None => (None, text),
        };
        let mode = Mode::from_str(mode.trim(), true).map_err(|_| {
            format!(
                "'{mode}' is not a mode; use default, serverless or classic, for one hub HUB=MODE"
            )
        })?;
        let mode = match mode {
            Mode::Default => ServiceMode::Default,
            Mode::Serverless => ServiceMode::Serverless,
            Mode::Classic => ServiceMode::Classic,
        };
        Ok(Self { hub, mode })
    }
}

impl ServiceModeFlags {
    /// The mode of each hub. If a hub has several, the last counts.
    pub(crate) fn modes(&self) -> ServiceModes {
        let of_all = self.modes.iter().rfind(|choice| choice.hub.is_none());
        let all = ServiceModes::of_all(of_all.map(|choice| choice.mode).unwrap_or_default());
        self.modes.iter().fold(all, |modes, choice| match &choice.hub {
            Some(hub) => modes.with(hub.clone(), choice.mode),
            None => modes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_for_all_hubs_or_for_one() {
        let flags = ServiceModeFlags {
            modes: ["Serverless", "chat=default"].map(|text| text.parse().unwrap()).into(),
        };
        let (chat, other) = (HubName::parse("chat").unwrap(), HubName::parse("other").unwrap());
        assert_eq!(flags.modes().of(&chat), ServiceMode::Default);
        assert_eq!(flags.modes().of(&other), ServiceMode::Serverless);
    }

    #[test]
    fn what_is_no_mode_is_named() {
        let error = "chat=proxy".parse::<Choice>().unwrap_err();
        assert!(error.contains("'proxy'") && error.contains("classic"), "{error}");
        assert!("=default".parse::<Choice>().is_err());
    }
}
