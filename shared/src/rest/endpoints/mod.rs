//! Several services that serve the same hubs: which of them are up, which one a client connects to,
//! and sends to all of them.

mod endpoint;
mod health;
mod member;

use std::{sync::Arc, time::Duration, time::SystemTime};

use futures_util::future::join_all;

pub use self::endpoint::{Endpoint, EndpointRole};
use self::member::Member;
use super::{client::RestClient, hub::Hub, retry::RetryPolicy};
use crate::{
    error::Error,
    name::{ApplicationName, HubName},
    negotiate::NegotiateAnswer,
    operation::ApiVersion,
    token::NegotiateOptions,
};

/// Several services that serve the same hubs.
///
/// A client connects to one of them: to a primary that is online, chosen by weight. If no primary
/// is online, it connects to a secondary. So a send must go to all services that are online.
///
/// Nothing runs in the background, because a function is frozen between two requests. The caller
/// decides when to ask the services whether they are up. A service that was never asked counts as
/// online.
///
/// ```no_run
/// # fn random_number() -> u64 { 4 }
/// # async fn example(west: signalr_serverless::ConnectionString,
/// #     east: signalr_serverless::ConnectionString) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::{Duration, SystemTime};
/// use signalr_serverless::{HubName, NegotiateOptions, rest::{Endpoint, Endpoints, Message}};
///
/// let endpoints = Endpoints::new([
///     Endpoint::new("west", west),
///     Endpoint::new("east", east).as_secondary(),
/// ])?;
///
/// let now = SystemTime::now();
/// endpoints.refresh_health(Duration::from_secs(120), now).await;
///
/// let chat = HubName::parse("chat")?;
/// let options = NegotiateOptions::default();
/// let answer = endpoints.negotiate(&chat, &options, now, random_number()).await?;
///
/// let message = &Message::new("newMessage", &["hello"])?;
/// let send = endpoints.call(&chat, |hub| async move { hub.broadcast(message).await });
/// for sent in send.await? {
///     println!("{}: {:?}", sent.endpoint, sent.result);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Endpoints(Arc<[Member]>);

/// The result of a call to one endpoint. [`Endpoints`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointResult<T> {
    /// The endpoint's name.
    pub endpoint: Arc<str>,
    /// The result of the call.
    pub result: T,
}

impl Endpoints {
    /// Puts endpoints together. Their REST clients share one pool of connections.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] if a name is empty or given twice or if no endpoint is a
    /// primary, and the errors of [`RestClient::new`].
    pub fn new(endpoints: impl IntoIterator<Item = Endpoint>) -> Result<Self, Error> {
        let mut members: Vec<Member> = Vec::new();
        for endpoint in endpoints {
            endpoint::check_name(&endpoint.name, members.iter().map(|member| &*member.name))?;
            let client = match members.first() {
                Some(first) => first.client.at(&endpoint.service)?,
                None => RestClient::new(&endpoint.service)?,
            };
            members.push(Member::new(endpoint, client)?);
        }
        endpoint::check_roles(members.iter().map(|member| member.role))?;
        Ok(Self(members.into()))
    }

    /// Calls and negotiates the hubs of this application.
    #[must_use]
    pub fn with_application(self, application: ApplicationName) -> Self {
        self.map(|member| member.with_application(application.clone()))
    }

    /// Uses this version of the API. Questions for health use the newest version.
    #[must_use]
    pub fn with_version(self, version: ApiVersion) -> Self {
        self.map(|member| member.with_client(|client| client.with_version(version)))
    }

    /// Limits calls as [`RestClient::with_time_limit`] does.
    #[must_use]
    pub fn with_time_limit(self, limit: Duration) -> Self {
        self.map(|member| member.with_client(|client| client.with_time_limit(limit)))
    }

    /// Repeats failed calls as [`RestClient::with_retries`] does. Questions for health are not
    /// repeated.
    #[must_use]
    pub fn with_retries(self, policy: RetryPolicy) -> Self {
        self.map(|member| member.with_client(|client| client.with_retries(policy.clone())))
    }

    /// Asks all endpoints at the same time whether they are up. An endpoint that does not answer
    /// within 2 seconds is not up. No token is needed.
    pub async fn check_health(&self, now: SystemTime) {
        join_all(self.0.iter().map(|member| member.check_health(now))).await;
    }

    /// Asks the endpoints that were not asked within this time. While one caller asks, the others
    /// use the earlier state.
    pub async fn refresh_health(&self, max_age: Duration, now: SystemTime) {
        let stale = self.0.iter().filter(|member| member.health.is_older_than(max_age, now));
        join_all(stale.map(|member| member.check_health(now))).await;
    }

    /// The names of the endpoints that are online, as far as is known.
    pub fn online(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|member| member.health.is_online()).map(|member| &*member.name)
    }

    /// Answers a client that wants to join a hub.
    ///
    /// The random number chooses by weight among the primaries that are online. If none are, it
    /// chooses among the secondaries. Every number of 64 bits should be equally likely.
    ///
    /// # Errors
    ///
    /// [`Error::NoEndpointOnline`] if no endpoint that takes clients is online, and the errors of
    /// [`Negotiator::negotiate`](crate::Negotiator::negotiate).
    pub async fn negotiate(
        &self,
        hub: &HubName,
        options: &NegotiateOptions,
        now: SystemTime,
        random: u64,
    ) -> Result<NegotiateAnswer, Error> {
        let choose = |role| member::choose(self.0.iter().filter(|it| it.takes(role)), random);
        let member = choose(EndpointRole::Primary).or_else(|| choose(EndpointRole::Secondary));
        member.ok_or_else(|| self.none_online())?.negotiator.negotiate(hub, options, now).await
    }

    /// Makes a call to the hub at every endpoint that is online, at the same time. Returns a result
    /// for each. If a call fails, the others continue.
    ///
    /// # Errors
    ///
    /// [`Error::NoEndpointOnline`].
    pub async fn call<C: Future>(
        &self,
        hub: &HubName,
        call: impl Fn(Hub) -> C,
    ) -> Result<Vec<EndpointResult<C::Output>>, Error> {
        let online = self.0.iter().filter(|member| member.health.is_online());
        let calls: Vec<_> = online
            .map(|member| {
                let call = call(member.client.hub(hub.clone()));
                async { EndpointResult { endpoint: member.name.clone(), result: call.await } }
            })
            .collect();
        if calls.is_empty() {
            return Err(self.none_online());
        }
        Ok(join_all(calls).await)
    }

    fn none_online(&self) -> Error {
        let names: Vec<_> = self.0.iter().map(|member| &*member.name).collect();
        Error::NoEndpointOnline { endpoints: names.join(", ") }
    }

    fn map(&self, change: impl Fn(Member) -> Member) -> Self {
        Self(self.0.iter().cloned().map(change).collect())
    }
}
