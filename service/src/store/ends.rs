//! When memberships end, for the connections of this node.

use std::collections::{BTreeMap, HashMap, HashSet};

use signalr_serverless::{GroupName, HubName, UserId};

use super::membership::Membership;

/// The ends of the memberships that connections of this node have, in milliseconds since 1970 by
/// the broker's clock.
#[derive(Debug, Default)]
pub(super) struct Ends {
    users: HashMap<(HubName, UserId), HashMap<GroupName, u64>>,
    /// The memberships in the order of their ends, the next one first.
    order: BTreeMap<(u64, Membership), ()>,
    /// The users that the broker is asked about now.
    asked: HashMap<(HubName, UserId), Asked>,
}

/// The changes of a user since the broker was asked about the user. The broker's answer may be older
/// than these changes.
#[derive(Debug, Default)]
struct Asked {
    /// How many answers are still to come.
    questions: usize,
    changed: HashSet<GroupName>,
    has_left_all: bool,
}

impl Ends {
    /// Begins to note changes of a user, until [`asked`](Self::asked).
    pub(super) fn ask(&mut self, hub: &HubName, user: &UserId) {
        self.asked.entry((hub.clone(), user.clone())).or_default().questions += 1;
    }

    /// Ends what [`ask`](Self::ask) began.
    pub(super) fn asked(&mut self, hub: &HubName, user: &UserId) {
        let of_user = (hub.clone(), user.clone());
        let Some(asked) = self.asked.get_mut(&of_user) else { return };
        asked.questions = asked.questions.saturating_sub(1);
        if asked.questions == 0 {
            self.asked.remove(&of_user);
        }
    }

    /// Notes an end from the broker's answer, if the membership has not changed since the question.
    pub(super) fn answered(&mut self, membership: Membership, end: u64) {
        let asked = self.asked.get(&(membership.hub.clone(), membership.user.clone()));
        let has_changed =
            |asked: &Asked| asked.has_left_all || asked.changed.contains(&membership.group);
        if !asked.is_some_and(has_changed) {
            self.set(membership, end);
        }
    }

    /// Notes a membership that begins or gets another end; 0 if it has no end.
    pub(super) fn join(&mut self, membership: Membership, end: u64) {
        self.change(&membership);
        self.set(membership, end);
    }

    /// Notes that a membership is over.
    pub(super) fn leave(&mut self, membership: &Membership) {
        self.change(membership);
        self.forget(membership);
    }

    /// Notes that a user leaves all groups. Returns those that have an end.
    pub(super) fn leave_all(&mut self, hub: &HubName, user: &UserId) -> Vec<GroupName> {
        if let Some(asked) = self.asked.get_mut(&(hub.clone(), user.clone())) {
            asked.has_left_all = true;
        }
        self.of(hub, user).map(|(group, _)| group.clone()).collect()
    }

    fn change(&mut self, membership: &Membership) {
        let Membership { hub, user, group } = membership;
        if let Some(asked) = self.asked.get_mut(&(hub.clone(), user.clone())) {
            asked.changed.insert(group.clone());
        }
    }

    /// The groups of a user that have an end, each with its end.
    pub(super) fn of(
        &self,
        hub: &HubName,
        user: &UserId,
    ) -> impl Iterator<Item = (&GroupName, u64)> {
        let groups = self.users.get(&(hub.clone(), user.clone())).into_iter().flatten();
        groups.map(|(group, end)| (group, *end))
    }

    /// Whether the end of a membership is known.
    pub(super) fn has(&self, membership: &Membership) -> bool {
        let Membership { hub, user, group } = membership;
        let groups = self.users.get(&(hub.clone(), user.clone()));
        groups.is_some_and(|groups| groups.contains_key(group))
    }

    /// The memberships whose time is over.
    pub(super) fn expired(&self, now: u64) -> Vec<Membership> {
        let expired = self.order.keys().take_while(|(end, _)| *end <= now);
        expired.map(|(_, membership)| membership.clone()).collect()
    }

    /// Removes a membership if its time is over, and returns whether it was.
    pub(super) fn take_expired(&mut self, membership: &Membership, now: u64) -> bool {
        let Membership { hub, user, group } = membership;
        let groups = self.users.get(&(hub.clone(), user.clone()));
        let is_over = groups.and_then(|groups| groups.get(group)).is_some_and(|end| *end <= now);
        if is_over {
            self.forget(membership);
        }
        is_over
    }

    /// Removes the users that are not to be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(&HubName, &UserId) -> bool) {
        let removed = self.users.extract_if(|(hub, user), _| !keep(hub, user));
        for ((hub, user), groups) in removed {
            for (group, end) in groups {
                let (hub, user) = (hub.clone(), user.clone());
                self.order.remove(&(end, Membership { hub, user, group }));
            }
        }
    }

    /// Notes when a membership ends; 0 if it has no end.
    pub(super) fn set(&mut self, membership: Membership, end: u64) {
        self.forget(&membership);
        if end > 0 {
            let Membership { hub, user, group } = membership.clone();
            self.users.entry((hub, user)).or_default().insert(group, end);
            self.order.insert((end, membership), ());
        }
    }

    fn forget(&mut self, membership: &Membership) {
        let key = (membership.hub.clone(), membership.user.clone());
        let Some(groups) = self.users.get_mut(&key) else { return };
        if let Some(end) = groups.remove(&membership.group) {
            self.order.remove(&(end, membership.clone()));
        }
        if groups.is_empty() {
            self.users.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn membership() -> Membership {
        Membership {
            hub: HubName::parse("chat").unwrap(),
            user: UserId::parse("ann").unwrap(),
            group: GroupName::parse("g").unwrap(),
        }
    }

    #[test]
    fn a_membership_that_got_more_time_has_not_expired() {
        let (membership, mut ends) = (membership(), Ends::default());
        ends.set(membership.clone(), 10);
        assert!(ends.expired(9).is_empty());
        assert_eq!(ends.expired(10), std::slice::from_ref(&membership));
        ends.set(membership.clone(), 20);
        assert!(!ends.take_expired(&membership, 10));
        assert!(ends.take_expired(&membership, 20) && !ends.take_expired(&membership, 20));
        assert!(ends.users.is_empty() && ends.order.is_empty());
    }

    #[test]
    fn an_answer_from_before_a_change_does_not_undo_the_change() {
        let (membership, mut ends) = (membership(), Ends::default());
        let Membership { hub, user, .. } = &membership;
        let end = |ends: &Ends| ends.of(hub, user).next().map(|(_, end)| end);
        ends.ask(hub, user);
        ends.join(membership.clone(), 20);
        ends.answered(membership.clone(), 10);
        assert_eq!(end(&ends), Some(20));
        ends.asked(hub, user);
        ends.ask(hub, user);
        ends.leave(&membership);
        ends.answered(membership.clone(), 20);
        assert_eq!(end(&ends), None);
        ends.asked(hub, user);
        ends.ask(hub, user);
        ends.leave_all(hub, user);
        ends.answered(membership.clone(), 20);
        assert_eq!(end(&ends), None);
        ends.asked(hub, user);
        ends.answered(membership.clone(), 30);
        assert_eq!(end(&ends), Some(30));
        assert!(ends.asked.is_empty());
    }

    #[test]
    fn nothing_stays_of_users_that_left() {
        let mut ends = Ends::default();
        ends.set(membership(), 10);
        ends.retain(|_, _| true);
        assert!(ends.has(&membership()));
        ends.retain(|_, _| false);
        assert!(ends.users.is_empty() && ends.order.is_empty());
    }
}
