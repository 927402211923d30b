//! One call: its path, who may make it, for whom, and what comes of it.
//!
//! | file | concern |
//! |---|---|
//! | `router` | one call from its path to its handler |
//! | `path` | from a URL's path to hub and function, on each platform |
//! | `query` | a parameter of a URL's query |
//! | `hubs` | which hub a call is for |
//! | `authorization` | who may call |
//! | `identity` | who negotiates |
//! | `client_query` | the client's query, which goes on to the service |
//! | `client_token` | what every client's token is given |
//! | `cors` | which browser origins may read answers |
//! | `field` | a field of an item that may be left out or `null` |
//! | `endpoints` | the services that an item names |
//! | `function` | what it is called, who may call it, what it does |
//! | `items` | a body of one item or an array of them |
//! | `deadline` | by when a call must be answered |
//! | `results` | what became of each item |
//! | `problem` | errors, as `application/problem+json` |
//! | `event_grid` | events of Azure Event Grid, which bring messages |
//! | `trigger` | calls that are no HTTP requests: timers, queues, topics |
//! | `log` | what an operator is told of a call |

pub(crate) mod authorization;
pub(crate) mod client_query;
pub(crate) mod client_token;
pub(crate) mod cors;
pub(crate) mod deadline;
pub(crate) mod endpoints;
pub(crate) mod event_grid;
pub(crate) mod field;
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
