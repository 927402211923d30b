//! Every environment variable that the functions read.

/// An environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// The meaning, in one line.
    pub meaning: &'static str,
}

macro_rules! variables {
    ($($constant:ident = $name:literal, $meaning:literal;)+) => {
        $(
            #[doc = $meaning]
            pub const $constant: Variable = Variable { name: $name, meaning: $meaning };
        )+

        /// All variables, in the order in which a person would set them.
        pub const ALL: &[Variable] = &[$($constant,)+];
    };
}

variables! {
    CONNECTION_STRING = "AzureSignalRConnectionString",
        "The connection string of the service; required";
    CONNECTION_STRING_SECTION = "Azure__SignalR__ConnectionString",
        "Another name for `AzureSignalRConnectionString`; it is not read if that variable is set";
    SERVICE_URI = "AzureSignalRConnectionString__serviceUri",
        "The URL of the service, for a Microsoft Entra identity instead of an access key; if it is set, connection strings are not read";
    CREDENTIAL = "AzureSignalRConnectionString__credential",
        "`managedidentity` to use only the platform's identity; if unset, the other settings choose the identity";
    CLIENT_ID = "AzureSignalRConnectionString__clientId",
        "The client id of a user-assigned identity or, with a secret, of an application";
    TENANT_ID = "AzureSignalRConnectionString__tenantId",
        "The directory of the application";
    CLIENT_SECRET = "AzureSignalRConnectionString__clientSecret",
        "The secret of the application";
    TRUSTED_CERTIFICATES = "SSL_CERT_FILE",
        "A PEM file of the authorities to trust in HTTPS calls, instead of the public ones";
    HUB = "SIGNALR_HUB",
        "The hub of calls that name no hub in their path";
    HUBS = "SIGNALR_HUBS",
        "The hubs that the functions serve, separated by commas; if unset, only `SIGNALR_HUB`";
    APPLICATION = "SIGNALR_APPLICATION",
        "A prefix of every hub name, so that several applications can share one service";
    IDENTITY = "NEGOTIATE_IDENTITY",
        "Who the user is: `anonymous` (default), `jwt`, `authorizer`, `easyauth`, `query:<name>`, `header:<name>`, or a list of these, tried in order";
    OIDC_ISSUER = "OIDC_ISSUER",
        "For `jwt`: the issuer of the tokens. Its discovery document has the URL of the keys. Further names of the issuer in tokens may follow, separated by commas";
    OIDC_DISCOVERY = "OIDC_DISCOVERY",
        "For `jwt`: the URL of the discovery document, if it is not below the issuer";
    OIDC_TENANTS = "OIDC_TENANTS",
        "For `jwt`: the allowed values of `{tenantid}` in the issuer, separated by commas";
    OIDC_AUDIENCE = "OIDC_AUDIENCE",
        "For `jwt`: the required audience of the tokens, or several audiences, separated by commas";
    OIDC_AUDIENCE_CLAIM = "OIDC_AUDIENCE_CLAIM",
        "For `jwt`: the claim that has the audience, such as `azp` or `client_id`; `aud` by default";
    USER_CLAIM = "NEGOTIATE_USER_CLAIM",
        "For `jwt` and `authorizer`: the claim that becomes the user id; `sub` by default";
    CLAIMS = "NEGOTIATE_CLAIMS",
        "The claims of `jwt`, `authorizer` and `easyauth` that are copied into the client's token, separated by commas";
    ROLES = "NEGOTIATE_ROLES",
        "The roles in every client's token, as the claim `role`, separated by commas";
    TOKEN_LIFETIME = "NEGOTIATE_TOKEN_LIFETIME",
        "How many seconds a client may connect with its token; 3600 by default";
    CLOSE_WITH_LOGIN = "NEGOTIATE_CLOSE_WITH_LOGIN",
        "`true` closes a client's connection when the login of its user ends";
    ALLOW_INSECURE_IDENTITY = "ALLOW_INSECURE_IDENTITY",
        "`true` allows `query:` and `header:`, for development; with these, every caller can choose any user id";
    FUNCTION_KEY = "FUNCTION_KEY",
        "The key that callers of broadcast and group-admin send as `x-functions-key` or `?code=`, or several keys, separated by commas. Callers of upstream send it if there is no access key";
    FUNCTION_AUTH = "FUNCTION_AUTH",
        "`platform` if the platform in front checks the callers of broadcast and group-admin; the functions then need no key";
    ALLOWED_ORIGINS = "ALLOWED_ORIGINS",
        "The origins whose pages may call from a browser, separated by commas; `https://*.example.com` means all its subdomains, `loopback` means localhost on any port";
    TIMER_MESSAGE = "BROADCAST_TIMER_MESSAGE",
        "The message, or array of messages, that broadcast sends when a timer calls it";
    EVENT_GRID_ENDPOINT = "EVENT_GRID_ENDPOINT",
        "The topic or webhook to which upstream reports connected and disconnected clients, as events of Azure Event Grid";
    EVENT_GRID_KEY = "EVENT_GRID_KEY",
        "The key of the topic. A webhook has no key; upstream first asks it if it wants events";
    EVENT_GRID_SCHEMA = "EVENT_GRID_SCHEMA",
        "The schema of these events: `cloudevents` or `eventgrid`; `cloudevents` by default";
    LOG_FILTER = "RUST_LOG",
        "The lines of the log: a level, or pairs such as `signalr_function_runtime=debug`; `info` by default";
    LOG_FORMAT = "SIGNALR_LOG_FORMAT",
        "The format of the log: `text` or `json`; by default `json` on Lambda and Azure, else `text`";
    TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT",
        "The OpenTelemetry collector that gets spans; none by default. The other variables of OpenTelemetry apply too";
    PORT = "PORT",
        "The local port, on 127.0.0.1; 7071 by default, and 0 means any free port";
    AZURE_PORT = "FUNCTIONS_CUSTOMHANDLER_PORT",
        "Set by Azure Functions: the port on which the functions serve Azure's host";
    EASY_AUTH = "WEBSITE_AUTH_ENABLED",
        "Set by Azure App Service if its authentication is on; `easyauth` needs it";
    EASY_AUTH_FRONT_END = "EASYAUTH_FRONT_END",
        "For `easyauth`: `container-apps` or `static-web-apps`, if the authentication there is on. The function cannot see this by itself";
    CONTAINER_APP = "CONTAINER_APP_NAME",
        "Set by Azure Container Apps";
    LAMBDA_RUNTIME = "AWS_LAMBDA_RUNTIME_API",
        "Set by AWS Lambda: the address where the functions get Lambda's events";
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
