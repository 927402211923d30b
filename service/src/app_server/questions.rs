//! The calls of hubs to clients that wait for a result.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use signalr_server_protocol::ClientCompletion;
use signalr_serverless::HubName;
use tokio::sync::oneshot;

/// How many questions may wait at once.
const MOST: usize = 65_536;

/// The waiting questions, by hub and invocation id.
#[derive(Debug, Default)]
pub(crate) struct Questions(Mutex<HashMap<(HubName, String), Waiting>>);

#[derive(Debug)]
struct Waiting {
    client: String,
    answer: oneshot::Sender<ClientCompletion>,
}

impl Questions {
    /// Notes a question about a client. The answer comes from the app server that has the client.
    /// `None` if too many questions wait, or if a question with this id waits already.
    pub(crate) fn ask(
        &self,
        hub: &HubName,
        invocation_id: &str,
        client: &str,
    ) -> Option<oneshot::Receiver<ClientCompletion>> {
        let mut all = self.all();
        let key = (hub.clone(), invocation_id.to_owned());
        if all.len() >= MOST || all.contains_key(&key) {
            return None;
        }
        let (answer, answered) = oneshot::channel();
        all.insert(key, Waiting { client: client.to_owned(), answer });
        Some(answered)
    }

    /// Passes an answer to the caller that waits for it. If no caller waits, the answer is dropped.
    pub(crate) fn answer(&self, hub: &HubName, completion: ClientCompletion) {
        let key = (hub.clone(), completion.invocation_id.clone());
        let mut all = self.all();
        if all.get(&key).is_some_and(|waiting| waiting.client == completion.connection_id)
            && let Some(waiting) = all.remove(&key)
        {
            // The caller may be gone.
            let _ = waiting.answer.send(completion);
        }
    }

    /// Ends a question, with or without an answer.
    pub(crate) fn end(&self, hub: &HubName, invocation_id: &str) {
        self.all().remove(&(hub.clone(), invocation_id.to_owned()));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<(HubName, String), Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use signalr_server_protocol::Extensions;

    use super::*;

    fn hub() -> HubName {
        HubName::parse("chat").unwrap()
    }

    fn completion(id: &str, client: &str) -> ClientCompletion {
        ClientCompletion {
            invocation_id: id.to_owned(),
            connection_id: client.to_owned(),
            server_id: String::new(),
            encoding: "json".to_owned(),
            payload: "x".into(),
            extensions: Extensions::default(),
        }
    }

    #[test]
    fn an_answer_reaches_the_one_who_asked_that_client_in_that_hub() {
        let questions = Questions::default();
        let mut answer = questions.ask(&hub(), "q", "ann").unwrap();
        assert!(questions.ask(&hub(), "q", "bob").is_none(), "the id is in use");
        questions.answer(&hub(), completion("q", "bob"));
        questions.answer(&HubName::parse("other").unwrap(), completion("q", "ann"));
        assert!(answer.try_recv().is_err());
        questions.answer(&hub(), completion("q", "ann"));
        assert_eq!(answer.try_recv().unwrap().connection_id, "ann");
        assert!(questions.all().is_empty());
    }

    #[test]
    fn questions_have_a_bound_and_an_end() {
        let questions = Questions::default();
        for number in 0..MOST {
            questions.ask(&hub(), &number.to_string(), "ann").unwrap();
        }
        assert!(questions.ask(&hub(), "one more", "ann").is_none());
        questions.end(&hub(), "0");
        assert!(questions.ask(&hub(), "one more", "ann").is_some());
    }
}
