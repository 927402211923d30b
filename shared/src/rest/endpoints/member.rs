//! An endpoint ready for use: its client, its negotiator and its known health.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    endpoint::{Endpoint, EndpointRole},
    health::Health,
};
use crate::{
    error::Error, name::ApplicationName, negotiate::Negotiator, operation::ApiVersion,
    rest::RestClient,
};

/// Source: Azure's SDK waits the same time.
const HEALTH_TIME_LIMIT: Duration = Duration::from_secs(2);

/// An endpoint ready for use. Clones share its known health.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: Arc<str>,
    pub(super) role: EndpointRole,
    pub(super) client: RestClient,
    pub(super) negotiator: Negotiator,
    pub(super) health: Arc<Health>,
    weight: u32,
}

impl Member {
    pub(super) fn new(endpoint: Endpoint, client: RestClient) -> Result<Self, Error> {
        Ok(Self {
            name: endpoint.name.into(),
            role: endpoint.role,
            negotiator: Negotiator::with_client(&endpoint.service, &client)?,
            client,
            health: Arc::new(Health::unknown()),
            weight: endpoint.weight,
        })
    }

    pub(super) fn with_application(mut self, application: ApplicationName) -> Self {
        self.negotiator = self.negotiator.with_application(application.clone());
        self.with_client(|client| client.with_application(application))
    }

    pub(super) fn with_client(mut self, change: impl FnOnce(RestClient) -> RestClient) -> Self {
        self.client = change(self.client);
        self
    }

    /// Whether the endpoint takes clients in this role.
    pub(super) fn takes(&self, role: EndpointRole) -> bool {
        self.role == role && self.weight > 0 && self.health.is_online()
    }

    pub(super) async fn check_health(&self, now: SystemTime) {
        self.health.asked(now);
        let client = self.client.clone().with_version(ApiVersion::default());
        let answer = client.with_time_limit(HEALTH_TIME_LIMIT).health().await;
        self.health.answered(matches!(answer, Ok(true)));
    }
}

/// Chooses one endpoint by weight.
pub(super) fn choose<'a>(
    members: impl Iterator<Item = &'a Member>,
    random: u64,
) -> Option<&'a Member> {
    let members: Vec<_> = members.collect();
    let total = members.iter().map(|member| u64::from(member.weight)).sum();
    let mut place = random.checked_rem(total)?;
    members.into_iter().find(|member| match place.checked_sub(u64::from(member.weight)) {
        Some(rest) => {
            place = rest;
            false
        }
        None => true,
    })
}
