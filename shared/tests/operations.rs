//! Checks that the table of operations is exactly the published data plane.
//!
//! `operations.json` was made from the published descriptions of the data plane.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet, HashSet};

use http::Method;
use serde::Deserialize;
use signalr_serverless::rest::{ApiVersion, Operation, Route};

#[derive(Deserialize)]
struct Published {
    operations: Vec<PublishedOperation>,
}

#[derive(Deserialize)]
struct PublishedOperation {
    operation: String,
    query: BTreeSet<String>,
    versions: BTreeMap<String, PublishedRoute>,
}

#[derive(Deserialize)]
struct PublishedRoute {
    method: String,
    path: String,
    status: u16,
    /// Further methods, further paths for all methods, and methods with their own path.
    #[serde(default)]
    also: Vec<String>,
}

fn published() -> Vec<PublishedOperation> {
    serde_json::from_str::<Published>(include_str!("operations.json")).unwrap().operations
}

/// `send_to_user` is `SendToUser`.
fn table_entry(name: &str) -> Operation {
    let named = |operation: &Operation| {
        format!("{operation:?}").eq_ignore_ascii_case(&name.replace('_', ""))
    };
    *Operation::ALL.iter().find(|operation| named(operation)).expect(name)
}

impl PublishedRoute {
    /// Every method and path that must work, and a GET for every HEAD, which is our addition.
    fn all(&self) -> BTreeSet<(String, String)> {
        let (pairs, rest): (Vec<_>, Vec<_>) =
            self.also.iter().cloned().partition(|also| also.contains(' '));
        let (paths, methods): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|also| also.starts_with('/'));
        let pairs = pairs.iter().filter_map(|pair| pair.split_once(' '));
        let pairs = pairs.map(|(method, path)| (method.to_owned(), path.to_owned()));
        let mut methods = BTreeSet::from_iter(methods);
        methods.insert(self.method.clone());
        if methods.contains("HEAD") {
            methods.insert("GET".to_owned());
        }
        let paths = || paths.iter().chain([&self.path]);
        methods
            .iter()
            .flat_map(|method| paths().map(move |path| (method.clone(), path.clone())))
            .chain(pairs)
            .collect()
    }
}

fn routes(operation: Operation, version: ApiVersion) -> impl Iterator<Item = &'static Route> {
    operation.routes().iter().filter(move |route| route.versions.contains(&version))
}

#[test]
fn every_operation_is_in_the_table_and_no_other() {
    let published: HashSet<_> =
        published().iter().map(|operation| table_entry(&operation.operation)).collect();
    assert_eq!(published, Operation::ALL.iter().copied().collect());
}

#[test]
fn every_version_has_the_published_routes_and_no_other() {
    for published in published() {
        let operation = table_entry(&published.operation);
        for version in ApiVersion::ALL {
            let Some(expected) = published.versions.get(version.as_str()) else {
                assert_eq!(operation.route(version), None, "{operation:?} {version}");
                continue;
            };
            let found: Vec<_> = routes(operation, version)
                .map(|route| (route.method.to_string(), route.path.to_owned()))
                .collect();
            let (method, path) = (&expected.method, &expected.path);
            assert_eq!(found[0], (method.clone(), path.clone()), "the first is the published one");
            assert_eq!(found.len(), expected.all().len(), "{operation:?} {version}: {found:?}");
            assert_eq!(BTreeSet::from_iter(found), expected.all(), "{operation:?} {version}");
            for route in routes(operation, version) {
                assert_eq!(route.status, expected.status, "{operation:?} {version}");
            }
        }
        for version in published.versions.keys() {
            assert!(version.parse::<ApiVersion>().is_ok(), "{version}");
        }
    }
}

#[test]
fn every_operation_has_the_published_query_parameters() {
    for published in published() {
        let operation = table_entry(&published.operation);
        let found = operation.query().iter().map(|&name| name.to_owned()).collect();
        assert_eq!(published.query, found, "{operation:?}");
    }
}

#[test]
fn no_two_operations_of_a_version_share_a_route() {
    for version in ApiVersion::ALL {
        let mut seen: HashSet<(&Method, &str)> = HashSet::new();
        for operation in Operation::ALL {
            for route in routes(*operation, version) {
                assert!(seen.insert((&route.method, route.path)), "{operation:?} {version}");
            }
        }
    }
}
