use proptest::prelude::*;

use super::*;
use crate::name::{GroupName, UserId};

fn user(id: &str) -> Filter {
    Filter::user_id().eq(id)
}

#[test]
fn parentheses_stand_only_where_they_are_needed() {
    let (a, b, c) = (|| user("a"), || user("b"), || user("c"));
    let called = || Filter::user_id().starts_with("a");
    for (filter, expected) in [
        (a().and(b()).and(c()), "A and B and C"),
        (a().and(b().and(c())), "A and B and C"),
        (a().or(b()).or(c()), "A or B or C"),
        (a().or(b().and(c())), "A or B and C"),
        (a().and(b().or(c())), "A and (B or C)"),
        (a().or(b()).and(c()), "(A or B) and C"),
        (!a(), "not (A)"),
        (!!a(), "not (not (A))"),
        ((!a()).is(true), "(not (A)) eq true"),
        ((!a()).and(b()), "not (A) and B"),
        (!(a().and(b())), "not (A and B)"),
        ((!a()).or(b()), "not (A) or B"),
        (!called(), "not startswith(userId,'a')"),
        (a().is(true), "(A) eq true"),
        (a().or(b()).is(true), "(A or B) eq true"),
        (called().is(false).and(a()), "startswith(userId,'a') eq false and A"),
        (Filter::from(true).and(a()), "true and A"),
        (!Filter::from_odata("x"), "not (x)"),
        (Filter::from_odata("x or y").and(a()), "(x or y) and A"),
    ] {
        let odata = filter.to_string();
        let odata = ["a", "b", "c"].iter().fold(odata, |odata, id| {
            odata.replace(&format!("userId eq '{id}'"), &id.to_uppercase())
        });
        assert_eq!(odata, expected);
    }
}

#[test]
fn every_comparison_and_function_has_its_odata() {
    let text = Filter::user_id;
    let number = || text().length();
    for (filter, expected) in [
        (text().ne("x"), "userId ne 'x'"),
        (text().gt("x"), "userId gt 'x'"),
        (text().ge("x"), "userId ge 'x'"),
        (text().lt("x"), "userId lt 'x'"),
        (text().le(Filter::connection_id()), "userId le connectionId"),
        (text().is_not_null(), "userId ne null"),
        (text().is_in(["a", "b"]), "userId in ('a','b')"),
        (text().is_in(Vec::<&str>::new()), "false"),
        (text().ends_with("x"), "endswith(userId,'x')"),
        (text().contains("x"), "contains(userId,'x')"),
        (text().to_upper().eq("X"), "toupper(userId) eq 'X'"),
        (text().substring(1).eq("x"), "substring(userId,1) eq 'x'"),
        (text().substring_of_length(1, 2).eq("x"), "substring(userId,1,2) eq 'x'"),
        (text().index_of("x").eq(-1), "indexof(userId,'x') eq -1"),
        (number().ne(1), "length(userId) ne 1"),
        (number().gt(1), "length(userId) gt 1"),
        (number().lt(1), "length(userId) lt 1"),
        (number().le(i64::MIN), "length(userId) le -9223372036854775808"),
        (number().is_in([]), "false"),
        (number().is_in([1, 2]), "length(userId) in (1,2)"),
        (number().is_null(), "length(userId) eq null"),
        (Filter::groups().contains(text()), "userId in groups"),
    ] {
        assert_eq!(filter.to_string(), expected);
    }
}

#[test]
fn names_are_texts() {
    let group = GroupName::parse("g'").unwrap();
    assert_eq!(Filter::groups().contains(&group).to_string(), "'g''' in groups");
    let user = UserId::parse("u").unwrap();
    assert_eq!(Filter::user_id().eq(&user).to_string(), "userId eq 'u'");
}

proptest! {
    #[test]
    fn no_text_leaves_its_quotes(text in "[\\PC']{0,20}") {
        let odata = user(&text).to_string();
        let quoted = odata.strip_prefix("userId eq '").unwrap().strip_suffix('\'').unwrap();
        prop_assert_eq!(quoted.replace("''", ""), text.replace('\'', ""));
        prop_assert_eq!(quoted.replace("''", "'"), text);
    }
}
