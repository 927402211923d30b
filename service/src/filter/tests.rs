use proptest::prelude::*;
use signalr_serverless::{ConnectionId, GroupName, UserId};

use super::*;

fn matches(filter: &str, user: Option<&str>) -> bool {
    let user = user.map(|user| UserId::parse(user).unwrap());
    let subject = Subject {
        connection: &ConnectionId::parse("c1").unwrap(),
        user: user.as_ref(),
        groups: &[GroupName::parse("a").unwrap(), GroupName::parse("it's").unwrap()],
    };
    filter.parse::<Filter>().unwrap().matches(&subject)
}

#[test]
fn what_is_true_of_ann() {
    for filter in [
        "userId eq 'ann'",
        "USERID EQ 'ann' AND connectionid ne 'c2'",
        "userId eq 'bob' or userId eq 'x' or userId eq 'ann'",
        "userId eq 'x' and userId eq 'y' or true",
        "not (userId eq 'bob')",
        "not false",
        "not not true",
        "userId in ('bob', 'ann')",
        "length(userId) in (1, 3)",
        "'a' in groups and 'it''s' in groups and not ('b' in groups)",
        "concat('it', '''s') in groups",
        "length(groups) eq 2",
        "startswith(userId, 'a') and endswith(userId, 'n') and contains(userId, 'nn')",
        "tolower('AnN') eq userId and toupper(userId) eq 'ANN' and trim('  ann ') eq userId",
        "substring(userId, 1) eq 'nn' and substring(userId, 1, 1) eq 'n'",
        "substring(userId, -5, 99) eq 'ann' and substring(userId, 7) eq ''",
        "indexof(userId, 'n') eq 1 and indexof(userId, 'x') eq -1",
        "userId gt 'ana' and userId ge 'ann' and userId lt 'b' and userId le 'ann'",
        "length(userId) gt 2 and length(userId) le 3",
        "userId ne null and null eq null",
        "(((((userId eq 'ann')))))",
        "length('é😀') eq 2 and indexof('é😀', '😀') eq 1",
    ] {
        assert!(matches(filter, Some("ann")), "{filter}");
        assert!(!matches(&format!("not ({filter})"), Some("ann")), "not {filter}");
    }
}

#[test]
fn nobody_is_null() {
    for filter in [
        "userId eq null",
        "userId ne 'ann'",
        "userId in (null, 'x')",
        "not (userId gt 'a') and not (userId le 'a')",
        "length(userId) eq null and not (length(userId) lt 5)",
        "not startswith(userId, '')",
        "concat(userId, 'x') eq null",
    ] {
        assert!(matches(filter, None), "{filter}");
    }
}

#[test]
fn errors_say_where() {
    let deep = format!("{}true{}", "(".repeat(200), ")".repeat(200));
    for (filter, position, problem) in [
        ("", 1, "a value is expected, but the filter ends"),
        ("userId", 1, "a filter takes true or false, but this is a text"),
        ("userId eq", 10, "a value is expected, but the filter ends"),
        ("userId eq 'ann", 11, "no closing quote"),
        ("usrId eq 'ann'", 1, "'usrId' is not known"),
        ("userId eq 'ann' and", 20, "the filter ends"),
        ("userId eq 'ann' 'x'", 17, "a text comes behind the end"),
        ("userId eq 1", 1, "a text and an integer cannot be compared"),
        ("not length(userId) gt 5", 5, "not takes true or false, but this is an integer"),
        ("'é' eq 'é' & true", 12, "'&' means nothing"),
        ("groups eq 'a'", 1, "cannot be compared"),
        ("1 in groups", 1, "takes a text"),
        ("userId in ('a' 'b')", 16, "',' or ')' in a list is expected"),
        ("userId in ()", 12, "a value is expected"),
        ("userId in (1)", 12, "a text is looked for among an integer"),
        ("userId in (connectionId)", 12, "a list holds"),
        ("length(userId, 'a') eq 1", 1, "too many or too few"),
        ("length() eq 1", 1, "too many or too few"),
        ("contains(userId, 1)", 18, "this argument takes a text"),
        ("contains(userId", 16, "',' or ')' behind an argument is expected"),
        ("true gt false", 1, "cannot be compared"),
        ("length(userId) eq 99999999999999999999", 19, "is not an integer"),
        ("length(userId) eq -", 19, "is not an integer"),
        (deep.as_str(), 65, "64 levels"),
    ] {
        let error = filter.parse::<Filter>().unwrap_err();
        assert_eq!(error.position, position, "{filter}: {error}");
        assert!(error.problem.contains(problem), "{filter}: {error}");
    }
}

#[test]
fn a_long_chain_is_not_deep() {
    let chain = vec!["userId eq 'x'"; 20_000].join(" or ");
    assert!(matches(&format!("{chain} or true"), Some("ann")));
    assert!("not ".repeat(100_000).parse::<Filter>().is_err());
}

proptest! {
    #[test]
    fn any_text_is_a_filter_or_an_error(text in any::<String>()) {
        let _ = text.parse::<Filter>();
    }

    #[test]
    fn any_words_are_a_filter_or_an_error(words in proptest::collection::vec(
        prop_oneof![
            "userId|connectionId|groups|null|true|and|or|not|in|eq|gt|length|contains|substring",
            "\\(|\\)|,|'a'|'|-?[0-9]{1,25}",
        ],
        0..40,
    )) {
        if let Ok(filter) = words.join(" ").parse::<Filter>() {
            let connection = ConnectionId::parse("c").unwrap();
            filter.matches(&Subject { connection: &connection, user: None, groups: &[] });
        }
    }

    #[test]
    fn any_user_is_found_by_name(user in "\\PC{1,40}") {
        let filter = format!("userId eq '{}'", user.replace('\'', "''"));
        prop_assert!(matches(&filter, Some(&user)));
    }
}
