//! Microsoft Entra identities instead of the access key.
//!
//! | file | concern |
//! |---|---|
//! | `identity` | Azure's own credentials, for the identities of connection strings |
//! | `certificate` | an application that proves itself by a certificate |
//! | `transport` | HTTP calls of Azure's credentials, through this crate's client |
//! | `signing_keys` | the service's key for client tokens, kept and renewed |
//!
//! REST calls send the identity's token unchanged. Client tokens are signed with a key that the
//! service gives out for a limited time. The identity needs the role SignalR App Server or SignalR
//! Service Owner.

mod certificate;
pub(crate) mod identity;
mod signing_keys;
mod transport;

pub(crate) use self::signing_keys::SigningKeys;
