//! An event is one line, whatever is in it.
//!
//! The names of hubs and the texts of errors come from outside. A line break in one would make two
//! lines of an event, and the second would say what a stranger wants it to say.

use std::fmt::Write;

/// Writes control characters as JSON does, such as `\u000a`, so that a line of JSON still has the
/// same value.
pub(crate) fn escape(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len().saturating_add(1));
    let mut rest = line;
    while let Some((at, character)) = rest.char_indices().find(|(_, found)| misleads(*found)) {
        escaped.push_str(rest.get(..at).unwrap_or_default());
        // A string takes everything.
        let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        rest = rest.get(at + character.len_utf8()..).unwrap_or_default();
    }
    escaped.push_str(rest);
    escaped
}

/// Whether a terminal or a reader of lines takes it for more than text: control characters, the line
/// breaks of Unicode, and marks that turn the direction of text.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use crate::{Format, tests::written};

    const NAME: &str = "a\"b\\c\nd\r\u{1b}[31m\u{85}\u{2028}\u{202e}é";

    #[test]
    fn an_event_is_one_line_for_people() {
        let lines = written(Format::Text, || {
            tracing::info_span!("call", request_id = NAME).in_scope(|| {
                tracing::info!(hub = %NAME, debug = ?NAME, "from {NAME}");
            });
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].contains(super::misleads), "{lines:?}");
        assert!(
            lines[0].contains(r#"hub=a"b\c\u000ad\u000d\u001b[31m\u0085\u2028\u202eé"#),
            "{lines:?}"
        );
    }

    #[test]
    fn an_event_is_one_line_of_json_that_has_the_text_to_the_letter() {
        let lines = written(Format::Json, || {
            tracing::info_span!("call", request_id = NAME).in_scope(|| {
                tracing::info!(hub = %NAME, "from {NAME}");
            });
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].contains(super::misleads), "{lines:?}");
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["hub"], NAME);
        assert_eq!(line["message"], format!("from {NAME}"));
        assert_eq!(line["span"]["request_id"], NAME);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }
}
