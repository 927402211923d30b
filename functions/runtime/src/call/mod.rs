//! One call: its path, its caller, its user, and its answer.
//!
//! | file | concern |
//! |---|---|
//! | `router` | one call from its path to its handler |
//! | `path` | the hub and the function of a URL's path, on each platform |
//! | `query` | a parameter of a URL's query |
//! | `hubs` | the hub of a call |
//! | `authorization` | who may call |
//! | `identity` | the user of a call that negotiates |
//! | `client_query` | the client's query, which is passed to the service |
//! | `client_token` | the settings of every client's token |
//! | `cors` | the browser origins that may read answers |
//! | `field` | a field of an item that may be missing or `null` |
//! | `endpoints` | the services that an item names |
//! | `followed` | the headers that help to find a call in all logs |
//! | `function` | a function's name, callers and handler |
//! | `items` | a body of one item or an array of them |
//! | `deadline` | the deadline of a call |
//! | `results` | the result of each item |
//! | `problem` | errors, as `application/problem+json` |
//! | `event_grid` | events of Azure Event Grid, which bring messages |
//! | `trigger` | calls that are not HTTP requests: timers, queues, topics |
//! | `log` | the log of a call for the operator |

pub(crate) mod authorization;
pub(crate) mod client_query;
pub(crate) mod client_token;
pub(crate) mod cors;
pub(crate) mod deadline;
pub(crate) mod endpoints;
pub(crate) mod event_grid;
pub(crate) mod field;
pub(crate) mod followed;
pub(crate) mod function;
pub(crate) mod hubs;
pub(crate) mod identity;
pub(crate) mod items;
pub(crate) mod log;
pub(crate) mod path;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod results;
pub(crate) mod router;
pub(crate) mod trigger;
