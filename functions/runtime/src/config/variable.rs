//! Every environment variable that the functions read.

/// An environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// What it is called.
    pub name: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
}

macro_rules! variables {
    ($($constant:ident = $name:literal, $meaning:literal;)+) => {
        $(
            #[doc = $meaning]
            pub const $constant: Variable = Variable { name: $name, meaning: $meaning };
        )+

        /// All of them, in the order in which a person would set them.
        pub const ALL: &[Variable] = &[$($constant,)+];
    };
}

variables! {
    CONNECTION_STRING = "AzureSignalRConnectionString",
        "The connection string of the service; required";
    CONNECTION_STRING_SECTION = "Azure__SignalR__ConnectionString",
        "Another name for `AzureSignalRConnectionString`, which goes before it";
    SERVICE_URI = "AzureSignalRConnectionString__serviceUri",
        "The URL of the service, for a Microsoft Entra identity instead of an access key; goes before any connection string";
    CREDENTIAL = "AzureSignalRConnectionString__credential",
        "`managedidentity` for the platform's identity alone; unset, the other settings decide";
    CLIENT_ID = "AzureSignalRConnectionString__clientId",
        "The client id of a user-assigned identity or, with a secret, of an application";
    TENANT_ID = "AzureSignalRConnectionString__tenantId",
        "The directory of the application";
    CLIENT_SECRET = "AzureSignalRConnectionString__clientSecret",
        "The secret of the application";
    TRUSTED_CERTIFICATES = "SSL_CERT_FILE",
        "A PEM file of the authorities that HTTPS servers are trusted by, instead of the public ones";
    HUB = "SIGNALR_HUB",
        "The hub of calls that name none in their path";
    HUBS = "SIGNALR_HUBS",
        "The hubs that are served, with commas between; `SIGNALR_HUB` alone when unset";
    APPLICATION = "SIGNALR_APPLICATION",
        "Put in front of every hub name, so that several applications can share one service";
    IDENTITY = "NEGOTIATE_IDENTITY",
        "Who the user is: `anonymous` (default), `jwt`, `authorizer`, `easyauth`, `query:<name>`, `header:<name>`, or a list of these, tried in order";
    OIDC_ISSUER = "OIDC_ISSUER",
        "For `jwt`: the issuer of the tokens, by whose discovery document the keys are found; further names by which tokens call it, with commas between";
    OIDC_DISCOVERY = "OIDC_DISCOVERY",
        "For `jwt`: the URL of the discovery document, if it is not below the issuer";
    OIDC_TENANTS = "OIDC_TENANTS",
        "For `jwt`: the tenants that a `{tenantid}` in the issuer may stand for, with commas between";
    OIDC_AUDIENCE = "OIDC_AUDIENCE",
        "For `jwt`: the audience that tokens must be for, or several with commas between";
    OIDC_AUDIENCE_CLAIM = "OIDC_AUDIENCE_CLAIM",
        "For `jwt`: the claim that has the audience, such as `azp` or `client_id`; `aud` when unset";
    USER_CLAIM = "NEGOTIATE_USER_CLAIM",
        "For `jwt` and `authorizer`: the claim that becomes the user id; `sub` when unset";
    CLAIMS = "NEGOTIATE_CLAIMS",
        "The claims of `jwt`, `authorizer` and `easyauth` that are copied into the client's token, with commas between";
    ROLES = "NEGOTIATE_ROLES",
        "The roles that every client's token carries, with commas between, as claim `role`";
    TOKEN_LIFETIME = "NEGOTIATE_TOKEN_LIFETIME",
        "For how long a client may connect with its token, in seconds; 3600 when unset";
    CLOSE_WITH_LOGIN = "NEGOTIATE_CLOSE_WITH_LOGIN",
        "`true` closes a client's connection when the login ends that it came from";
    ALLOW_INSECURE_IDENTITY = "ALLOW_INSECURE_IDENTITY",
        "`true` allows `query:` and `header:`, with which every caller chooses their own user id; for development";
    FUNCTION_KEY = "FUNCTION_KEY",
        "The key, or several with commas between, that callers of broadcast and group-admin send as `x-functions-key` or `?code=`; and callers of upstream, where there is no access key";
    FUNCTION_AUTH = "FUNCTION_AUTH",
        "`platform` says that the platform in front checks who calls broadcast and group-admin, and no key is asked for";
    ALLOWED_ORIGINS = "ALLOWED_ORIGINS",
        "The origins whose pages may call from a browser, with commas between; `https://*.example.com` allows all subdomains, `loopback` localhost on any port";
    TIMER_MESSAGE = "BROADCAST_TIMER_MESSAGE",
        "The message, or array of messages, that broadcast sends when a timer calls it";
    EVENT_GRID_ENDPOINT = "EVENT_GRID_ENDPOINT",
        "Where upstream sends clients' coming and going as events of Azure Event Grid: a topic's endpoint, or a webhook";
    EVENT_GRID_KEY = "EVENT_GRID_KEY",
        "The key of the topic; a webhook has none, and is asked whether it wants events";
    EVENT_GRID_SCHEMA = "EVENT_GRID_SCHEMA",
        "`cloudevents` or `eventgrid`, in which the events are written; `cloudevents` when unset";
    PORT = "PORT",
        "The local port, on 127.0.0.1; 7071 when unset, 0 for any free one";
    AZURE_PORT = "FUNCTIONS_CUSTOMHANDLER_PORT",
        "Set by Azure Functions: serve its host on this port";
    EASY_AUTH = "WEBSITE_AUTH_ENABLED",
        "Set by Azure App Service where its authentication is on; `easyauth` needs it";
    EASY_AUTH_FRONT_END = "EASYAUTH_FRONT_END",
        "For `easyauth`: `container-apps` or `static-web-apps`, where nothing else says that this front end checks who calls";
    CONTAINER_APP = "CONTAINER_APP_NAME",
        "Set by Azure Container Apps";
    LAMBDA_RUNTIME = "AWS_LAMBDA_RUNTIME_API",
        "Set by AWS Lambda: serve its events";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once_with_one_line_of_meaning() {
        for (index, variable) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != variable.name), "{variable:?}");
            assert!(!variable.meaning.is_empty() && !variable.meaning.contains('\n'));
        }
    }
}
