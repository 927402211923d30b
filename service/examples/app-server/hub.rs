//! What all server connections of the app share: who waits for a client's result.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicI32, AtomicU64, Ordering::SeqCst},
    },
};

use serde_json::{Value, json};

use crate::caller::Caller;

#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) server: String,
    acks: AtomicI32,
    invocations: AtomicU64,
    /// Who asked a client, by the id of the invocation.
    asked: Mutex<HashMap<String, Caller>>,
}

impl Hub {
    pub(crate) fn new(server: String) -> Self {
        Self {
            server,
            acks: AtomicI32::new(1),
            invocations: AtomicU64::new(1),
            asked: Mutex::default(),
        }
    }

    pub(crate) fn next_ack(&self) -> i32 {
        self.acks.fetch_add(1, SeqCst)
    }

    /// Notes that a client is asked by a caller.
    pub(crate) fn ask(&self, caller: Caller) -> String {
        let number = self.invocations.fetch_add(1, SeqCst);
        let id = format!("{}-{number}", self.server);
        self.asked.lock().unwrap().insert(id.clone(), caller);
        id
    }

    /// Hands an answer to the caller who waits for it. Returns whether one does.
    pub(crate) fn answered(&self, id: &str, answer: &Value) -> bool {
        let Some(caller) = self.asked.lock().unwrap().remove(id) else { return false };
        match answer.get("error") {
            Some(error) => caller.say(&json!({
                "type": 3, "invocationId": caller.invocation_id, "error": error
            })),
            None => caller.complete(&answer["result"]),
        }
        true
    }
}
