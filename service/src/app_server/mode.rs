//! The mode of a hub: app servers answer its clients, or only REST and an upstream do.

use std::collections::HashMap;

use signalr_serverless::HubName;

/// The mode of a hub. Source: the service modes of Azure SignalR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are the modes that Azure has")]
pub enum ServiceMode {
    /// App servers. While none is connected, clients are refused.
    Default,
    /// No app server. App servers that only send messages (persistent mode) may connect.
    Serverless,
    /// App servers while at least one is connected. Otherwise REST and an upstream.
    #[default]
    Classic,
}

/// The mode of each hub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceModes {
    all: ServiceMode,
    by_hub: HashMap<HubName, ServiceMode>,
}

impl ServiceModes {
    /// One mode for every hub.
    ///
    /// ```
    /// use signalr_serverless::HubName;
    /// use signalr_service::{ServiceMode, ServiceModes};
    ///
    /// let chat = HubName::parse("chat")?;
    /// let modes = ServiceModes::of_all(ServiceMode::Serverless).with(chat.clone(), ServiceMode::Default);
    /// assert_eq!(modes.of(&chat), ServiceMode::Default);
    /// assert_eq!(modes.of(&HubName::parse("other")?), ServiceMode::Serverless);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of_all(mode: ServiceMode) -> Self {
        Self { all: mode, by_hub: HashMap::new() }
    }

    /// Sets another mode for one hub.
    #[must_use]
    pub fn with(mut self, hub: HubName, mode: ServiceMode) -> Self {
        self.by_hub.insert(hub, mode);
        self
    }

    /// The mode of a hub.
    #[must_use]
    pub fn of(&self, hub: &HubName) -> ServiceMode {
        self.by_hub.get(hub).copied().unwrap_or(self.all)
    }

    /// Whether there are hubs that only app servers can serve.
    pub(crate) fn need_app_servers(&self) -> bool {
        let mut all = self.by_hub.values().chain([&self.all]);
        all.any(|mode| *mode == ServiceMode::Default)
    }
}
