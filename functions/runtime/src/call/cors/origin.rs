//! An origin as browsers write it.

use url::Url;

/// The origin as browsers write it. `Url::origin` knows only the schemes of the web, but apps in a
/// web view have their own schemes, such as `capacitor://localhost`.
pub(super) fn origin_of(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{host}{port}", url.scheme()))
}
