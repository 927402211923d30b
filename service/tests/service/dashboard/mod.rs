//! The API of the dashboard, as its page and programs of operators use it.

mod lists;
mod logins;
mod trace;
