//! Behaviour that every kind of store shares.

use super::{membership::UNTIMED_LIFETIME, *};

fn stores() -> [Store; 2] {
    [Store::default(), Store::Delayed(DelayedStore::default())]
}

const START: SystemTime = SystemTime::UNIX_EPOCH;

fn at(seconds: u64) -> SystemTime {
    START + Duration::from_secs(seconds)
}

fn group_name(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

fn membership(group: &str) -> Membership {
    Membership {
        hub: HubName::parse("chat").unwrap(),
        user: UserId::parse("ann").unwrap(),
        group: group_name(group),
    }
}

async fn groups(store: &Store, now: SystemTime) -> Vec<String> {
    let Membership { hub, user, .. } = membership("any");
    let mut groups: Vec<String> = store
        .own()
        .unwrap()
        .groups(&hub, &user, now)
        .await
        .iter()
        .map(ToString::to_string)
        .collect();
    groups.sort();
    groups
}

#[tokio::test(start_paused = true)]
async fn a_membership_ends_with_its_time() {
    for store in stores() {
        store
            .own()
            .unwrap()
            .add(membership("a"), Some(Duration::from_secs(10)), at(0))
            .await
            .unwrap();
        store.own().unwrap().add(membership("b"), None, at(0)).await.unwrap();
        assert_eq!(groups(&store, at(9)).await, ["a", "b"]);
        assert_eq!(groups(&store, at(10)).await, ["b"]);
        assert_eq!(store.own().unwrap().take_expired(at(10)).await, [membership("a")]);
        assert_eq!(store.own().unwrap().take_expired(at(10)).await, []);
        assert_eq!(
            store.own().unwrap().take_expired(at(0) + UNTIMED_LIFETIME).await,
            [membership("b")]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewed_membership_lives_on() {
    for store in stores() {
        store
            .own()
            .unwrap()
            .add(membership("a"), Some(Duration::from_secs(10)), at(0))
            .await
            .unwrap();
        store
            .own()
            .unwrap()
            .add(membership("a"), Some(Duration::from_secs(10)), at(5))
            .await
            .unwrap();
        assert_eq!(store.own().unwrap().take_expired(at(10)).await, []);
        assert_eq!(groups(&store, at(14)).await, ["a"]);
        assert_eq!(store.own().unwrap().take_expired(at(15)).await, [membership("a")]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_latest_hundred_untimed_groups_are_kept() {
    for store in stores() {
        store
            .own()
            .unwrap()
            .add(membership("timed"), Some(Duration::from_secs(10)), at(0))
            .await
            .unwrap();
        for number in 0..100 {
            assert_eq!(
                store
                    .own()
                    .unwrap()
                    .add(membership(&format!("g{number}")), None, at(0))
                    .await
                    .unwrap(),
                []
            );
        }
        store.own().unwrap().add(membership("g0"), None, at(0)).await.unwrap();
        assert_eq!(
            store.own().unwrap().add(membership("new"), None, at(0)).await.unwrap(),
            [group_name("g1")]
        );
        let groups = groups(&store, at(0)).await;
        assert_eq!(groups.len(), 101);
        assert!(groups.contains(&"timed".to_owned()) && groups.contains(&"g0".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn removing_leaves_the_others() {
    for store in stores() {
        for group in ["a", "b"] {
            store.own().unwrap().add(membership(group), None, at(0)).await.unwrap();
        }
        store.own().unwrap().remove(&membership("a")).await.unwrap();
        store.own().unwrap().remove(&membership("never there")).await.unwrap();
        assert_eq!(groups(&store, at(0)).await, ["b"]);
        let Membership { hub, user, .. } = membership("any");
        store.own().unwrap().remove_all(&hub, &user).await.unwrap();
        assert_eq!(groups(&store, at(0)).await, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endless_ttl_is_no_overflow() {
    for store in stores() {
        store.own().unwrap().add(membership("a"), Some(Duration::MAX), at(0)).await.unwrap();
        assert_eq!(groups(&store, at(1)).await, ["a"]);
    }
}
