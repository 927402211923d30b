//! Filters that are built of values, on real connections.

use signalr_serverless::{
    Error,
    rest::{ApiVersion, Command, Filter, filter::Text},
};

use crate::{
    client::start,
    scene::{Scene, message},
};

#[tokio::test]
async fn every_filter_is_understood_and_means_what_it_says() {
    let service = start().await;
    let mut scene = Scene::new((&service).into(), ApiVersion::default(), None).await;
    scene.put(&scene.ann, "g").await;
    scene.put(&scene.bob, "it's").await;
    let ann_id = scene.ann.id.clone();

    let user = Filter::user_id;
    let is = |id: &str| user().eq(id);
    let begins_with_b = || user().starts_with("b");
    let (all, none) = (["ann", "bob", "carol"], []);
    let cases: Vec<(Filter, &[&str])> = vec![
        (is("ann"), &["ann"]),
        (user().ne("ann"), &["bob", "carol"]),
        (user().gt("bob"), &["carol"]),
        (user().ge("bob"), &["bob", "carol"]),
        (user().lt("bob"), &["ann"]),
        (user().le("bob"), &["ann", "bob"]),
        (user().is_null(), &none),
        (user().is_not_null(), &all),
        (user().is_in(["ann", "carol", "o'neill"]), &["ann", "carol"]),
        (user().is_in(Vec::<String>::new()), &none),
        (begins_with_b(), &["bob"]),
        (user().ends_with("l"), &["carol"]),
        (user().contains("n"), &["ann"]),
        (user().to_upper().eq("BOB"), &["bob"]),
        (Text::from(" Ann ").trim().to_lower().eq(user()), &["ann"]),
        (user().concat("!").eq("bob!"), &["bob"]),
        (user().substring(1).eq("nn"), &["ann"]),
        (user().substring_of_length(0, 2).eq("ca"), &["carol"]),
        (user().index_of("r").eq(2), &["carol"]),
        (user().index_of("x").eq(-1), &all),
        (user().length().gt(3), &["carol"]),
        (user().length().is_in([5, 6]), &["carol"]),
        (user().length().ne(3).or(is("ann")), &["ann", "carol"]),
        (user().length().is_null(), &none),
        (Filter::connection_id().eq(&ann_id), &["ann"]),
        (Filter::groups().contains("g"), &["ann"]),
        (Filter::groups().contains("it's"), &["bob"]),
        (Filter::groups().length().eq(0), &["carol"]),
        (Text::from("g").eq("g"), &all),
        (Filter::from(true), &all),
        (Filter::from(false), &none),
        (!is("ann"), &["bob", "carol"]),
        (!!is("ann"), &["ann"]),
        (!begins_with_b(), &["ann", "carol"]),
        (begins_with_b().is(false), &["ann", "carol"]),
        (is("ann").is(true), &["ann"]),
        ((!is("ann")).is(false), &["ann"]),
        (is("ann").or(is("bob")).and(begins_with_b()), &["bob"]),
        (is("ann").or(is("bob").and(!begins_with_b())), &["ann"]),
        (!(is("ann").or(is("bob"))), &["carol"]),
        (Filter::from_odata("userId eq 'ann' or true").and(is("bob")), &["bob"]),
    ];
    let send = [Command::SendMessage { message: message() }];
    for (filter, expected) in cases {
        let sent = scene.hub.execute(Some(&filter), &send).await;
        sent.unwrap_or_else(|error| panic!("{filter}: {error}"));
        scene.only(expected).await;
    }
}

#[tokio::test]
async fn the_service_says_what_is_wrong_with_a_filter() {
    let service = start().await;
    let mut scene = Scene::new((&service).into(), ApiVersion::default(), None).await;
    let send = [Command::SendMessage { message: message() }];
    let bad = Filter::from_odata("userId eq");
    let error = scene.hub.execute(Some(&bad), &send).await.unwrap_err();
    let Error::Refused(refusal) = &error else { panic!("{error}") };
    assert_eq!(refusal.status, 400);
    assert!(refusal.message.as_ref().unwrap().contains("filter"), "{error}");
    scene.only(&[]).await;
}
