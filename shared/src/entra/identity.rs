//! Azure's own credentials, for the identities of connection strings.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use azure_core::{
    credentials::{Secret, TokenCredential},
    http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport as AzureTransport},
};
use azure_identity::{
    ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, DeveloperToolsCredential, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use tokio::time::timeout;
use url::Url;

use super::{certificate::CertificateAssertion, transport::Transport};
use crate::{
    causes::with_causes,
    credential::{ApplicationProof, EntraIdentity},
    error::Error,
    token::Token,
    token_source::{PendingToken, SharedTokenSource, TokenSource},
};

/// How often a failed request for a token is repeated. The first pause is twice the delay below,
/// and each further pause is twice as long. All take about two seconds, so that the caller gets the
/// error while there is time to answer. The identity of a virtual machine has its own retries,
/// which take longer.
const RETRIES: u32 = 3;
const BEFORE_RETRY: azure_core::time::Duration = azure_core::time::Duration::milliseconds(100);

/// How long one of several identities may take to answer before the next is asked. A developer's
/// tools are programs that start slowly. If there is no managed identity, the request may get no
/// answer.
const PATIENCE: Duration = Duration::from_secs(6);

type Credential = Arc<dyn TokenCredential>;

impl TokenSource for Credential {
    fn token<'a>(&'a self, scope: &'a str) -> PendingToken<'a> {
        Box::pin(async move {
            let token = self.get_token(&[scope], None).await?;
            Ok(Token::parse(token.token.secret())?)
        })
    }
}

/// Makes the source of an identity's tokens. This makes no call.
///
/// # Errors
///
/// [`Error::EntraToken`] if Azure's credential refuses what it is given.
pub(crate) fn token_source(
    identity: &EntraIdentity,
    http: &reqwest::Client,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<SharedTokenSource, Error> {
    let credential = match identity {
        EntraIdentity::TokenSource(source) => return Ok(source.clone()),
        EntraIdentity::Default => {
            return Ok(SharedTokenSource::new(Surroundings::look(http, environment)?));
        }
        EntraIdentity::ManagedIdentity { client_id } => managed(client_id.clone(), http),
        EntraIdentity::Application { client_id, tenant_id, proof } => match proof {
            ApplicationProof::Secret(secret) => {
                application(client_id, tenant_id, secret.as_str(), http)
            }
            ApplicationProof::CertificatePath(path) => {
                return certified(client_id, tenant_id, path, http, environment)
                    .map(SharedTokenSource::new);
            }
        },
    };
    Ok(SharedTokenSource::new(credential.map_err(unusable)?))
}

/// The first identity that the environment offers: the application or the workload in environment
/// variables, the platform's managed identity, the developer's tools, the machine's managed
/// identity. The last is asked last, because outside Azure it gets no answer.
struct Surroundings {
    /// The identities with their names for people.
    offered: Vec<(&'static str, Credential)>,
    chosen: OnceLock<Credential>,
}

impl Surroundings {
    fn look(
        http: &reqwest::Client,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let variable = |name| environment(name).filter(|value| !value.is_empty());
        let client_id = variable("AZURE_CLIENT_ID");
        let tenant_id = variable("AZURE_TENANT_ID");
        let mut offered: Vec<(&str, Credential)> = Vec::new();
        if let (Some(client_id), Some(tenant_id), Some(secret)) =
            (&client_id, &tenant_id, variable("AZURE_CLIENT_SECRET"))
        {
            let application = application(client_id, tenant_id, &secret, http);
            offered.push(("AZURE_CLIENT_SECRET", application.map_err(unusable)?));
        }
        if let (Some(client_id), Some(tenant_id), Some(path)) =
            (&client_id, &tenant_id, variable("AZURE_CLIENT_CERTIFICATE_PATH"))
        {
            let certified = certified(client_id, tenant_id, &path, http, &environment)?;
            offered.push(("AZURE_CLIENT_CERTIFICATE_PATH", certified));
        }
        if let Some(file) = variable("AZURE_FEDERATED_TOKEN_FILE") {
            let options = WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions {
                    client_options: client_options(http),
                },
                client_id: client_id.clone(),
                tenant_id,
                token_file_path: Some(file.into()),
            };
            let workload = WorkloadIdentityCredential::new(Some(options)).map_err(unusable)?;
            offered.push(("AZURE_FEDERATED_TOKEN_FILE", workload));
        }
        let managed = ("managed identity", managed(client_id, http).map_err(unusable)?);
        let tools = DeveloperToolsCredential::new(None).map_err(unusable)?;
        let tools = ("developer's tools", tools as Credential);
        match variable("IDENTITY_ENDPOINT") {
            Some(_) => offered.extend([managed, tools]),
            None => offered.extend([tools, managed]),
        }
        Ok(Self { offered, chosen: OnceLock::new() })
    }
}

impl TokenSource for Surroundings {
    fn token<'a>(&'a self, scope: &'a str) -> PendingToken<'a> {
        Box::pin(async move {
            if let Some(chosen) = self.chosen.get() {
                return chosen.token(scope).await;
            }
            let mut problems = Vec::new();
            for (name, credential) in &self.offered {
                let problem = match timeout(PATIENCE, credential.token(scope)).await {
                    Ok(Ok(token)) => {
                        // Another caller may have chosen meanwhile. Its choice is equally good.
                        let _ = self.chosen.set(Arc::clone(credential));
                        return Ok(token);
                    }
                    Ok(Err(problem)) => with_causes(&*problem),
                    Err(_) => format!("no answer within {PATIENCE:?}"),
                };
                problems.push(format!("{name}: {problem}"));
            }
            Err(problems.join("; ").into())
        })
    }
}

fn application(
    client_id: &str,
    tenant_id: &str,
    secret: &str,
    http: &reqwest::Client,
) -> azure_core::Result<Credential> {
    let options = ClientSecretCredentialOptions { client_options: client_options(http) };
    let secret = Secret::new(secret.to_owned());
    Ok(ClientSecretCredential::new(tenant_id, client_id.to_owned(), secret, Some(options))?)
}

fn certified(
    client_id: &str,
    tenant_id: &str,
    path: &str,
    http: &reqwest::Client,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Credential, Error> {
    let authority = environment("AZURE_AUTHORITY_HOST");
    let authority = authority.as_deref().unwrap_or("https://login.microsoftonline.com");
    let authority = Url::parse(authority).map_err(|_| Error::EntraToken {
        problem: format!("AZURE_AUTHORITY_HOST '{authority}' is not a URL"),
    })?;
    let assertion = CertificateAssertion::from_file(path, client_id, tenant_id, &authority)
        .map_err(|problem| Error::EntraToken { problem })?;
    let options = ClientAssertionCredentialOptions { client_options: client_options(http) };
    let (tenant_id, client_id) = (tenant_id.to_owned(), client_id.to_owned());
    ClientAssertionCredential::new(tenant_id, client_id, assertion, Some(options))
        .map(|credential| credential as Credential)
        .map_err(unusable)
}

fn managed(client_id: Option<String>, http: &reqwest::Client) -> azure_core::Result<Credential> {
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: client_id.map(UserAssignedId::ClientId),
        client_options: client_options(http),
    };
    Ok(ManagedIdentityCredential::new(Some(options))?)
}

fn client_options(http: &reqwest::Client) -> ClientOptions {
    let transport = AzureTransport::new(Arc::new(Transport(http.clone())));
    let retry = ExponentialRetryOptions {
        initial_delay: BEFORE_RETRY,
        max_retries: RETRIES,
        ..Default::default()
    };
    let retry = RetryOptions::exponential(retry);
    ClientOptions { transport: Some(transport), retry, ..Default::default() }
}

fn unusable(error: azure_core::Error) -> Error {
    Error::EntraToken { problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connection_string::ConnectionString, rest::RestClient};

    #[derive(Debug)]
    struct Silent;

    #[async_trait::async_trait]
    impl TokenCredential for Silent {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<azure_core::credentials::TokenRequestOptions<'_>>,
        ) -> azure_core::Result<azure_core::credentials::AccessToken> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_identity_that_never_answers_holds_up_no_other() {
        let silent = || Arc::new(Silent) as Credential;
        let offered = vec![("one", silent()), ("two", silent())];
        let surroundings = Surroundings { offered, chosen: OnceLock::new() };
        let problem = surroundings.token("scope").await.unwrap_err().to_string();
        assert_eq!(problem, "one: no answer within 6s; two: no answer within 6s");
    }

    fn refusal(auth: &str) -> String {
        let service = ConnectionString::parse(&format!("Endpoint=https://x.net;{auth}")).unwrap();
        RestClient::new(&service).unwrap_err().to_string()
    }

    #[test]
    fn an_application_is_a_source_without_a_call() {
        let app = "Endpoint=https://x.net;AuthType=azure.app;ClientId=a;TenantId=b;ClientSecret=c";
        assert!(RestClient::new(&ConnectionString::parse(app).unwrap()).is_ok());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/entra/test-data/application.pem");
        let app = format!(
            "Endpoint=https://x.net;AuthType=azure.app;ClientId=a;TenantId=b;ClientCertPath={path}"
        );
        assert!(RestClient::new(&ConnectionString::parse(&app).unwrap()).is_ok());
    }

    #[test]
    fn what_no_credential_can_be_is_told_without_the_secret() {
        let app = "AuthType=azure.app;ClientId=app";
        let tenant = refusal(&format!("{app};TenantId=no/tenant;ClientSecret=hunter2"));
        assert!(tenant.contains("invalid tenant ID no/tenant"), "{tenant}");
        assert!(!tenant.contains("hunter2"), "{tenant}");
        let certificate = refusal(&format!("{app};TenantId=dir;ClientCertPath=/nowhere.pem"));
        assert!(certificate.contains("'/nowhere.pem' cannot be read"), "{certificate}");
    }
}
