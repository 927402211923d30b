//! A template: the events that it matches, and their URL.

use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use signalr_serverless::{HubName, upstream::Category};
use url::Url;

use super::pattern::Pattern;

/// The characters of a placeholder's value that are escaped. Source: `unreserved` of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL for events, with the patterns that select them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) url: UrlTemplate,
    pub(super) hubs: Pattern,
    pub(super) categories: Pattern,
    pub(super) events: Pattern,
}

/// Writes the URL without the query, which may contain a function's key, and the patterns.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, hubs, categories, events } = self;
        write!(f, "{} (hub {hubs}, category {categories}, event {events})", url.without_query())
    }
}

impl Template {
    pub(super) fn matches(&self, hub: &HubName, category: Category, event: &str) -> bool {
        self.hubs.matches(hub.as_str())
            && self.categories.matches(category.as_str())
            && self.events.matches(event)
    }

    /// Whether the template can match an event of the hub.
    pub(super) fn serves(&self, hub: &HubName) -> bool {
        self.hubs.matches(hub.as_str())
            && self.categories.matches_something()
            && self.events.matches_something()
    }
}

/// An absolute URL with the placeholders `{hub}`, `{category}` and `{event}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UrlTemplate(String);

impl UrlTemplate {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const REMEDY: &str = "is not a URL that begins with http:// or https://, such as http://localhost:7071/api/upstream";

        let template = Self(text.trim().to_owned());
        let (authority, _) = template.parts();
        if authority.contains("{event}") {
            return Err(
                "has {event} in its host, so that clients could choose the host; put it behind",
            );
        }
        let Some(url) = template.fill("hub", "messages", "event") else { return Err(REMEDY) };
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_http {
            return Err(REMEDY);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has a user name in it, which is not sent; leave it out");
        }
        Ok(template)
    }

    /// The URL of an event. `None` if a value is `.` or `..`, which would lead to another path:
    /// clients choose the names of events.
    pub(super) fn fill(&self, hub: &str, category: &str, event: &str) -> Option<Url> {
        let fill = |text: &str| {
            text.replace("{hub}", &escape(hub))
                .replace("{category}", category)
                .replace("{event}", &escape(event))
        };
        let (_, path) = self.parts();
        let is_step = |segment: &str| {
            let filled = fill(segment);
            filled != segment && matches!(filled.as_str(), "." | "..")
        };
        if path.split(['/', '\\']).any(is_step) {
            return None;
        }
        Url::parse(&fill(&self.0)).ok()
    }

    /// The URL without its query, which may be secret.
    fn without_query(&self) -> &str {
        self.0.split(['?', '#']).next().unwrap_or_default()
    }

    /// Scheme and host, and the path without the query.
    fn parts(&self) -> (&str, &str) {
        let path_and_host = self.without_query();
        let host = path_and_host.find("://").map_or(0, |scheme| scheme + "://".len());
        match path_and_host[host..].find('/') {
            Some(path) => path_and_host.split_at(host + path),
            None => (path_and_host, ""),
        }
    }
}

fn escape(value: &str) -> Cow<'_, str> {
    utf8_percent_encode(value, ESCAPED).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, event: &str) -> Option<String> {
        let template = UrlTemplate::parse(template).unwrap();
        template.fill("shop_chat", "messages", event).map(String::from)
    }

    #[test]
    fn placeholders_are_filled_with_escaped_values() {
        for (template, event, url) in [
            ("http://h/{hub}/{category}/{event}", "send", "http://h/shop_chat/messages/send"),
            ("http://h/{event}", "a/b?c#d%é", "http://h/a%2Fb%3Fc%23d%25%C3%A9"),
            ("https://h:1/x?code=k%3D&e={event}", "a&b=c", "https://h:1/x?code=k%3D&e=a%26b%3Dc"),
            ("http://{hub}.test/{event}/{event}", "..x", "http://shop_chat.test/..x/..x"),
            ("http://h/{Event}", "send", "http://h/%7BEvent%7D"),
            ("http://h", "send", "http://h/"),
            ("http://h?e={event}", "..", "http://h/?e=.."),
            ("http://h/{event}", "{hub}", "http://h/%7Bhub%7D"),
        ] {
            assert_eq!(filled(template, event).as_deref(), Some(url), "{template}");
        }
    }

    #[test]
    fn an_event_never_leads_to_another_place() {
        for template in ["http://h/a/{event}", "http://h/a/{event}/b", "http://h/a/.{event}?x"] {
            assert_eq!(filled(template, "."), None, "{template}");
        }
        assert_eq!(filled("http://h/a/{event}", ".."), None);
        assert_eq!(filled("http://h/a/{event}", "../b").as_deref(), Some("http://h/a/..%2Fb"));
        assert_eq!(
            filled("http://h/a/{event}", "%2e%2e").as_deref(),
            Some("http://h/a/%252e%252e")
        );
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for (text, part) in [
            ("", "is not a URL"),
            ("localhost:7071/api", "is not a URL"),
            ("/api", "is not a URL"),
            ("ftp://h/", "is not a URL"),
            ("http://", "is not a URL"),
            ("http://a b/", "is not a URL"),
            ("http://u:p@h/", "has a user name"),
            ("http://{event}/", "has {event} in its host"),
            ("http://h{event}", "has {event} in its host"),
        ] {
            assert!(UrlTemplate::parse(text).unwrap_err().contains(part), "{text}");
        }
    }
}
