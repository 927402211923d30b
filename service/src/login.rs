//! The login behind a connection: its claims, and how it is renewed.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use signalr_serverless::{UserId, claim, token::Claims};

use crate::session::Seconds;

/// A claim's type and value.
pub(crate) type Claim = (String, String);

/// The claims of a token that are about the token, and not about its user.
const OF_A_TOKEN: [&str; 5] = ["aud", "exp", "iat", "iss", "nbf"];

/// The claims of a connection, in one text to save memory: a connection keeps them until it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoginClaims(Box<str>);

/// The renewal of a login. Absent fields stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Renewal {
    pub(crate) ends: Option<LoginEnd>,
    pub(crate) claims: Option<NewClaims>,
}

/// The end of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginEnd {
    Never,
    At {
        /// The time in seconds since 1970.
        epoch: u64,
        /// The time until then. The clocks of two nodes may differ, so each node adds this to its
        /// own time.
        left: Seconds,
    },
}

/// Claims that replace the old ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NewClaims {
    /// Claims of the user, from a back end. The user's id and the claims for the service stay.
    OfUser(Vec<Claim>),
    /// All claims of another token.
    OfToken(Vec<Claim>),
}

/// How many bytes the claims of one connection may have: far more than a token can carry.
const MOST_CLAIMS: usize = 16 * 1024;

/// Claims that no connection can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadClaims {
    #[error("claim {0} has an empty type; name it")]
    EmptyType(usize),
    #[error("the claims have {0} bytes, more than {MOST_CLAIMS}; a token could not carry them")]
    TooLarge(usize),
}

impl NewClaims {
    /// Claims of the user, if a connection can have them.
    pub(crate) fn of_user(claims: Vec<Claim>) -> Result<Self, BadClaims> {
        if let Some(index) = claims.iter().position(|(kind, _)| kind.is_empty()) {
            return Err(BadClaims::EmptyType(index));
        }
        let lengths = claims.iter().map(|(kind, value)| kind.len().saturating_add(value.len()));
        let bytes = lengths.fold(0, usize::saturating_add);
        if bytes > MOST_CLAIMS { Err(BadClaims::TooLarge(bytes)) } else { Ok(Self::OfUser(claims)) }
    }
}

/// The last day that .NET knows, in seconds since 1970: a login that ends then never ends.
const LAST_DAY: i64 = 253_402_214_400;

impl LoginEnd {
    /// The end at this time, in seconds since 1970; `None` if it is over.
    pub(crate) fn at(epoch: i64, now: SystemTime) -> Option<Self> {
        if epoch >= LAST_DAY {
            return Some(Self::Never);
        }
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let epoch = u64::try_from(epoch).ok()?;
        let left = epoch.checked_sub(now).filter(|left| *left > 0)?;
        Some(Self::At { epoch, left: Seconds::try_from(left).unwrap_or(Seconds::MAX) })
    }
}

/// The new claims name another user than the connection's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OtherUser;

impl LoginClaims {
    #[expect(clippy::expect_used, reason = "pairs of texts always serialise")]
    pub(crate) fn new(claims: &[Claim]) -> Self {
        Self(serde_json::to_string(claims).expect("pairs of texts are JSON").into())
    }

    pub(crate) fn get(&self) -> Vec<Claim> {
        // The text was written above. An empty text has no claims.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// The claims of a login from its token, as types and values. Text stays as it is, each element of an
/// array is a separate claim, and other values become JSON.
pub(crate) fn claims(token: &Claims) -> Vec<Claim> {
    let mut claims = pairs(token);
    claims.retain(|(kind, _)| !OF_A_TOKEN.contains(&kind.as_str()));
    claims
}

/// All claims of a token in the same form.
pub(crate) fn pairs(token: &Claims) -> Vec<Claim> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut claims = Vec::with_capacity(token.iter().len());
    for (kind, value) in token.iter() {
        match value {
            Value::Array(values) => {
                claims.extend(values.iter().map(|value| (kind.to_owned(), text(value))));
            }
            value => claims.push((kind.to_owned(), text(value))),
        }
    }
    claims
}

/// Whether the connection must be closed when its login ends.
pub(crate) fn closes(claims: &[Claim]) -> bool {
    let is_set = |(kind, value): &Claim| {
        kind == claim::CLOSE_ON_EXPIRY && value.eq_ignore_ascii_case("true")
    };
    claims.iter().any(is_set)
}

impl Renewal {
    /// The claims that a connection of this user has from now on, instead of the `old` ones.
    pub(crate) fn apply(
        &self,
        user: Option<&UserId>,
        old: Vec<Claim>,
    ) -> Result<Vec<Claim>, OtherUser> {
        let mut claims = match &self.claims {
            None => old,
            Some(NewClaims::OfToken(new)) if is_of(new, user) => new.clone(),
            Some(NewClaims::OfToken(_)) => return Err(OtherUser),
            Some(NewClaims::OfUser(new)) => replace_users(old, new, user)?,
        };
        if let Some(end) = self.ends {
            // A token that is made of these claims must end the login at the same time.
            claims.retain(|(kind, _)| kind != claim::AUTHENTICATION_EXPIRY);
            if let LoginEnd::At { epoch, .. } = end
                && closes(&claims)
            {
                claims.push((claim::AUTHENTICATION_EXPIRY.to_owned(), epoch.to_string()));
            }
        }
        Ok(claims)
    }
}

fn replace_users(
    old: Vec<Claim>,
    new: &[Claim],
    user: Option<&UserId>,
) -> Result<Vec<Claim>, OtherUser> {
    let names_user = new.iter().any(|(kind, _)| claim::names_user(kind));
    if names_user && !is_of(new, user) {
        return Err(OtherUser);
    }
    let stays = |kind: &str| {
        let is_named_again = new.iter().any(|(named, _)| named == kind);
        let names_user = !names_user && claim::names_user(kind);
        !is_named_again && (kind.starts_with(claim::SERVICE_PREFIX) || names_user)
    };
    let kept = old.into_iter().filter(|(kind, _)| stays(kind));
    let new = new.iter().filter(|(kind, _)| !OF_A_TOKEN.contains(&kind.as_str())).cloned();
    Ok(kept.chain(new).collect())
}

fn is_of(claims: &[Claim], user: Option<&UserId>) -> bool {
    let named: Claims =
        claims.iter().map(|(kind, value)| (kind.clone(), value.as_str().into())).collect();
    named.user().as_deref() == user.map(UserId::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims_of(pairs: &[(&str, &str)]) -> Vec<Claim> {
        pairs.iter().map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned())).collect()
    }

    /// Ann's claims after a renewal.
    fn renewed(
        old: &[(&str, &str)],
        ends: Option<LoginEnd>,
        new: Option<NewClaims>,
    ) -> Result<Vec<Claim>, OtherUser> {
        let ann = UserId::parse("ann").unwrap();
        Renewal { ends, claims: new }.apply(Some(&ann), claims_of(old))
    }

    fn of_user(pairs: &[(&str, &str)]) -> Option<NewClaims> {
        Some(NewClaims::OfUser(claims_of(pairs)))
    }

    const OLD: [(&str, &str); 3] = [("asrs.s.derror", "True"), ("sub", "ann"), ("role", "a")];

    #[test]
    fn new_claims_replace_the_users_and_nothing_else() {
        assert_eq!(renewed(&OLD, None, None), Ok(claims_of(&OLD)));
        let mut expected = claims_of(&OLD);
        expected.pop();
        assert_eq!(renewed(&OLD, None, of_user(&[])), Ok(expected.clone()));
        expected.extend(claims_of(&[("role", "b"), ("role", "c")]));
        let new = [("role", "b"), ("exp", "5"), ("role", "c")];
        assert_eq!(renewed(&OLD, None, of_user(&new)), Ok(expected));
        let named = [("nameid", "ann"), ("asrs.s.derror", "False")];
        assert_eq!(renewed(&OLD, None, of_user(&named)), Ok(claims_of(&named)));
    }

    #[test]
    fn claims_of_another_user_are_refused() {
        for other in [("sub", "bob"), ("asrs.s.uid", "bob"), ("nameid", "")] {
            assert_eq!(renewed(&OLD, None, of_user(&[other])), Err(OtherUser), "{other:?}");
        }
        let of_token = |pairs| Some(NewClaims::OfToken(claims_of(pairs)));
        assert_eq!(renewed(&OLD, None, of_token(&[("role", "b")])), Err(OtherUser));
        let token = [("sub", "ann"), ("role", "b")];
        assert_eq!(renewed(&OLD, None, of_token(&token)), Ok(claims_of(&token)));
        let nobody = Renewal { ends: None, claims: of_user(&[("sub", "ann")]) };
        assert_eq!(nobody.apply(None, Vec::new()), Err(OtherUser));
    }

    #[test]
    fn a_token_of_the_claims_ends_with_the_login() {
        let closes = ("asrs.s.coae", "true");
        let old = [closes, ("asrs.s.aeo", "5"), ("sub", "ann")];
        let end = LoginEnd::At { epoch: 9, left: 4 };
        let expected = claims_of(&[closes, ("sub", "ann"), ("asrs.s.aeo", "9")]);
        assert_eq!(renewed(&old, Some(end), None), Ok(expected.clone()));
        let never = claims_of(&[closes, ("sub", "ann")]);
        assert_eq!(renewed(&old, Some(LoginEnd::Never), None), Ok(never));
        assert_eq!(renewed(&[closes, ("sub", "ann")], Some(end), None), Ok(expected));
        assert_eq!(renewed(&OLD, Some(end), None), Ok(claims_of(&OLD)));
    }

    #[test]
    fn claims_are_texts() {
        let token = r#"{"a":"x","exp":5,"b":[1,"y"],"c":{"d":null},"e":true,"aud":"z"}"#;
        let token = serde_json::from_str(token).unwrap();
        let all = [
            ("a", "x"),
            ("exp", "5"),
            ("b", "1"),
            ("b", "y"),
            ("c", r#"{"d":null}"#),
            ("e", "true"),
            ("aud", "z"),
        ];
        assert_eq!(pairs(&token), claims_of(&all));
        let mut of_login = claims_of(&all);
        of_login.retain(|(kind, _)| kind != "exp" && kind != "aud");
        assert_eq!(claims(&token), of_login);
    }

    #[test]
    fn what_is_kept_is_what_was_given() {
        let claims = claims_of(&[("role", "a, \"b\""), ("name", "Änn")]);
        assert_eq!(LoginClaims::new(&claims).get(), claims);
        assert_eq!(LoginClaims::default().get(), []);
    }
}
