//! What an event or a span says.

use std::fmt::{Debug, Write};

use serde_json::{Map, Value};
use tracing::field::{self, Visit};

/// The message and the values beside it, in their order.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) message: String,
    pub(crate) all: Vec<Field>,
}

/// A value with its name.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) value: Value,
    /// Whether people see a text in quotes.
    pub(crate) is_quoted: bool,
}

impl Fields {
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        self.all.iter().map(|field| (field.name.to_owned(), field.value.clone())).collect()
    }

    /// A later value goes before an earlier one of the same name.
    fn add(&mut self, field: &field::Field, value: impl Into<Value>, is_quoted: bool) {
        let name = field.name();
        self.all.retain(|other| other.name != name);
        self.all.push(Field { name, value: value.into(), is_quoted });
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &field::Field, value: f64) {
        self.add(field, value, false);
    }

    fn record_i64(&mut self, field: &field::Field, value: i64) {
        self.add(field, value, false);
    }

    fn record_u64(&mut self, field: &field::Field, value: u64) {
        self.add(field, value, false);
    }

    fn record_bool(&mut self, field: &field::Field, value: bool) {
        self.add(field, value, false);
    }

    fn record_str(&mut self, field: &field::Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            _ => self.add(field, value, true),
        }
    }

    fn record_debug(&mut self, field: &field::Field, value: &dyn Debug) {
        let mut text = String::new();
        // A string takes everything.
        let _ = write!(text, "{value:?}");
        match field.name() {
            "message" => self.message = text,
            _ => self.add(field, text, false),
        }
    }
}
