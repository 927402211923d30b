//! Events that need no work: they keep a function warm, or a person or a service tests whether it
//! runs. They succeed, and nothing is done.

use serde_json::{Map, Value, json};

/// Whether the event needs no work.
pub(super) fn is_one(event: &str) -> bool {
    match serde_json::from_str(event) {
        Ok(Value::Null) => true,
        Ok(Value::String(text)) => text.trim().is_empty(),
        Ok(Value::Object(members)) => {
            members.is_empty() || is_of_console(&members) || is_of_s3(&members) || warms(&members)
        }
        _ => false,
    }
}

/// The test event `hello-world`, which Lambda's console offers first.
fn is_of_console(members: &Map<String, Value>) -> bool {
    let example = json!({ "key1": "value1", "key2": "value2", "key3": "value3" });
    example.as_object() == Some(members)
}

/// Whether this is the test event that S3 sends once to a function, queue or topic for its events.
fn is_of_s3(members: &Map<String, Value>) -> bool {
    members.get("Event").is_some_and(|event| event == "s3:TestEvent")
}

/// Whether this event keeps a function warm. `serverless-plugin-warmup`, `lambda-warmer` and
/// self-written schedules send such events.
fn warms(members: &Map<String, Value>) -> bool {
    let is_true = |name: &str| members.get(name) == Some(&Value::Bool(true));
    let is_plugin = |source: &Value| source == "serverless-plugin-warmup";
    ["warmer", "warmup"].iter().any(|name| is_true(name))
        || members.get("source").is_some_and(is_plugin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_nothing_is_told_from_messages() {
        for event in [
            "null",
            "{}",
            r#""""#,
            r#"{"key1": "value1", "key2": "value2", "key3": "value3"}"#,
            r#"{"warmer":true,"concurrency":3}"#,
            r#"{"warmup":true}"#,
            r#"{"source":"serverless-plugin-warmup"}"#,
            r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-01T00:00:00Z"}"#,
        ] {
            assert!(is_one(event), "{event}");
        }
        for event in [
            r#"{"target":"t","arguments":[]}"#,
            r#"{"target":"warmup","arguments":[true]}"#,
            r#"{"warmup":"true"}"#,
            r#"{"key1":"value1"}"#,
            "[]",
            "1",
            "nonsense",
        ] {
            assert!(!is_one(event), "{event}");
        }
    }
}
