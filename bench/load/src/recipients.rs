//! The recipients of a message.

/// The group that `--to group` sends to.
pub(crate) const GROUP: &str = "bench";

/// The clients that get a message. Clients have numbers, from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipients {
    All,
    /// One group. Its members are the first clients, this many of them.
    Group(usize),
    /// This many users, in turn. Each message is for one user.
    EachUser(usize),
    /// This many groups, in turn. Each message is for one group, which has one member.
    EachGroup(usize),
}

impl Recipients {
    /// The paths below the hub's path where messages are posted in turn.
    pub(crate) fn paths(self) -> Box<dyn Iterator<Item = String>> {
        match self {
            Self::All => Box::new(std::iter::once(String::new())),
            Self::Group(_) => Box::new(std::iter::once(format!("/groups/{GROUP}"))),
            Self::EachUser(users) => {
                Box::new((0..users).map(|number| format!("/users/{}", user_of(number))))
            }
            Self::EachGroup(groups) => {
                Box::new((0..groups).map(|number| format!("/groups/{}", group_of(number))))
            }
        }
    }

    /// Each member of a group: the group and the client's number.
    pub(crate) fn members(self) -> Box<dyn Iterator<Item = (String, usize)>> {
        match self {
            Self::All | Self::EachUser(_) => Box::new(std::iter::empty()),
            Self::Group(members) => Box::new((0..members).map(|number| (GROUP.to_owned(), number))),
            Self::EachGroup(groups) => {
                Box::new((0..groups).map(|number| (group_of(number), number)))
            }
        }
    }

    /// How many clients get a message, if there are this many clients.
    pub(crate) fn count(self, clients: usize) -> usize {
        match self {
            Self::All => clients,
            Self::Group(members) => members,
            Self::EachUser(_) | Self::EachGroup(_) => 1,
        }
    }

    /// Whether the client with this number gets the message with this sequence number.
    pub(crate) fn include(self, client: usize, sequence: u64) -> bool {
        match self {
            Self::All => true,
            Self::Group(members) => client < members,
            Self::EachUser(turns) | Self::EachGroup(turns) => {
                sequence.checked_rem(turns as u64) == Some(client as u64)
            }
        }
    }
}

/// The user id of the client with this number.
pub(crate) fn user_of(number: usize) -> String {
    format!("user-{number}")
}

fn group_of(number: usize) -> String {
    format!("group-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_as_many_recipients_as_it_says() {
        for recipients in [
            Recipients::All,
            Recipients::Group(3),
            Recipients::EachUser(10),
            Recipients::EachGroup(4),
        ] {
            for sequence in [0, 3, 17] {
                let found = (0..10).filter(|client| recipients.include(*client, sequence)).count();
                assert_eq!(found, recipients.count(10), "{recipients:?} {sequence}");
            }
            assert!(recipients.members().all(|(_, number)| number < 10));
        }
    }
}
