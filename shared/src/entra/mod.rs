//! Microsoft Entra identities in place of the access key.
//!
//! | file | concern |
//! |---|---|
//! | `identity` | Azure's own credentials, as the connection string names them |
//! | `certificate` | an application that proves itself by a certificate |
//! | `transport` | their HTTP calls, through this crate's client |
//! | `signing_keys` | the service's key for client tokens, kept and renewed |
//!
//! Calls carry the identity's token as it is. Client tokens are signed with a key that the service
//! hands out for a while. The identity needs the role SignalR App Server or SignalR Service Owner.

mod certificate;
pub(crate) mod identity;
mod signing_keys;
mod transport;

pub(crate) use self::signing_keys::SigningKeys;
