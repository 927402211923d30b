//! The connections of a group, page by page.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    error::Error,
    name::{ConnectionId, UserId},
};

/// A page of a group's connections. [`Group::list`](super::Group::list) has an example.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct GroupPage {
    /// The connections on this page.
    #[serde(rename = "value")]
    pub connections: Vec<GroupMember>,
    /// The place of the next page; `None` on the last page.
    #[serde(rename = "nextLink", default, deserialize_with = "continuation_in_link")]
    pub next: Option<Continuation>,
}

/// A connection in a group. [`Group::list`](super::Group::list) has an example.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GroupMember {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Its user, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

/// The place where a page ended. Only the service understands its content.
///
/// ```
/// use signalr_serverless::rest::Continuation;
///
/// assert_eq!(Continuation::parse("abc")?.as_str(), "abc");
/// assert!(Continuation::parse("").is_err());
/// # Ok::<(), signalr_serverless::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Continuation(String);

impl Continuation {
    /// Parses a continuation that was given out earlier.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] if it is empty.
    pub fn parse(token: &str) -> Result<Self, Error> {
        if token.is_empty() {
            return Err(Error::InvalidValue {
                what: "continuation",
                problem: "is empty".to_owned(),
                remedy: "use the one that came with the page before, or none for the first page",
            });
        }
        Ok(Self(token.to_owned()))
    }

    /// The continuation as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Continuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many connections a page may have: 1 to 200, 200 by default.
///
/// ```
/// use signalr_serverless::rest::PageSize;
///
/// assert_eq!(PageSize::parse(50)?.get(), 50);
/// assert!(PageSize::parse(201).is_err());
/// # Ok::<(), signalr_serverless::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u8);

impl PageSize {
    /// The largest page.
    pub const MAX: Self = Self(200);

    /// Parses the size.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] if it is not from 1 to 200.
    pub fn parse(size: u32) -> Result<Self, Error> {
        match u8::try_from(size) {
            Ok(size @ 1..=200) => Ok(Self(size)),
            _ => Err(Error::InvalidValue {
                what: "page size",
                problem: format!("is {size}"),
                remedy: "use 1 to 200",
            }),
        }
    }

    /// The size as a number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self::MAX
    }
}

/// The `continuationToken` in the query of the link to the next page.
fn continuation_in_link<'de, D>(deserializer: D) -> Result<Option<Continuation>, D::Error>
where
    D: Deserializer<'de>,
{
    let Some(link) = Option::<String>::deserialize(deserializer)?.filter(|link| !link.is_empty())
    else {
        return Ok(None);
    };
    let query = link.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "continuationToken")
        .and_then(|(_, token)| Continuation::parse(&token).ok())
        .map(Some)
        .ok_or_else(|| de::Error::custom("nextLink has no continuationToken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(json: &str) -> Result<GroupPage, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn members_and_continuation_are_read() {
        let page = page(
            r#"{"value":[{"connectionId":"a","userId":"ann"},{"connectionId":"b"}],
                "nextLink":"https://x/api/hubs/h/groups/g/connections?api-version=2024-12-01&continuationToken=a%2Bb%3D"}"#,
        )
        .unwrap();
        assert_eq!(page.next.unwrap().as_str(), "a+b=");
        let members = serde_json::to_string(&page.connections).unwrap();
        assert_eq!(members, r#"[{"connectionId":"a","userId":"ann"},{"connectionId":"b"}]"#);
    }

    #[test]
    fn the_last_page_has_no_continuation() {
        for last in ["", r#","nextLink":null"#, r#","nextLink":"""#] {
            let page = page(&format!(r#"{{"value":[]{last}}}"#)).unwrap();
            assert_eq!((page.connections.len(), page.next), (0, None), "{last}");
        }
    }

    #[test]
    fn bad_pages_are_errors() {
        for bad in [
            "[]",
            "{}",
            r#"{"value":[{"connectionId":""}]}"#,
            r#"{"value":[],"nextLink":"https://x/"}"#,
            r#"{"value":[],"nextLink":"https://x/?continuationToken="}"#,
        ] {
            assert!(page(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn page_sizes_go_from_1_to_200() {
        assert_eq!(PageSize::parse(1).unwrap().get(), 1);
        assert_eq!(PageSize::parse(200).unwrap(), PageSize::default());
        for bad in [0, 201, 256, 257, u32::MAX] {
            assert!(PageSize::parse(bad).is_err(), "{bad}");
        }
    }
}
