//! The app server that a client's token asks for.

/// Which app server may get a client. Source: the claims `asrs.s.sn` and `asrs.s.ssticky`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sticky {
    #[default]
    Any,
    /// This app server if it is connected, otherwise any.
    Preferred(String),
    /// Only this app server.
    Required(String),
}

impl Sticky {
    pub(super) fn of(claims: &[(String, String)]) -> Self {
        let value = |name: &str| {
            claims.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
        };
        match (value("asrs.s.sn"), value("asrs.s.ssticky")) {
            (Some(server), Some("Required")) => Self::Required(server.to_owned()),
            (Some(server), Some("Preferred")) => Self::Preferred(server.to_owned()),
            _ => Self::Any,
        }
    }
}
