//! Hubs that call a client and wait for its answer. The equivalent in REST is `:invoke`.
//!
//! If the client has no app server, this service sends its answer. If it has one, the answer goes
//! to that app as ordinary data. That app then sends the answer on, or reports that it was the
//! caller itself.

use std::{sync::Arc, time::Duration};

use signalr_server_protocol::{ClientCompletion, ClientInvocation, ErrorCompletion, Extensions};
use signalr_serverless::ConnectionId;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{
    app::{ASKED, App, rest},
    payloads::message,
};
use crate::{
    app_server::{AppLink, NOT_ANSWERED, UNKNOWN_CLIENT},
    cluster::BegunCall,
    hub::{Refused, answer::Answered},
    state::State,
};

/// How long a client may take to answer. Source: the real service.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// If an answer comes at the same moment as the call, the SDK loses it, because it notes its
/// question only after sending it.
const NOT_BEFORE: Duration = Duration::from_millis(100);

/// One question, with its caller.
struct Question {
    state: Arc<State>,
    link: Arc<AppLink>,
    invocation_id: String,
    connection_id: String,
    since: Instant,
    /// Whether it is the waiting question with this id.
    is_noted: bool,
}

/// Calls a client.
pub(super) async fn ask(app: &App, invocation: ClientInvocation) {
    let ClientInvocation { invocation_id, connection_id, payloads, .. } = invocation;
    let place = Arc::clone(&app.asked).try_acquire_owned();
    let questions = &app.state.app_servers.questions;
    let by_app = questions.ask(&app.link.hub, &invocation_id, &connection_id);
    let question = Question {
        is_noted: by_app.is_some(),
        state: Arc::clone(&app.state),
        link: Arc::clone(&app.link),
        invocation_id: invocation_id.clone(),
        connection_id: connection_id.clone(),
        since: Instant::now(),
    };
    let (Ok(place), Some(by_app)) = (place, by_app) else {
        let text = format!(
            "The question cannot be asked: one with this id waits, or {ASKED} of this server connection do."
        );
        return question.fail(&text);
    };
    let call = match ConnectionId::parse(&connection_id) {
        Ok(connection) => {
            let (asked_by, message) = (app.link.server.clone(), message(payloads));
            let cluster = &app.state.cluster;
            cluster
                .begin_call(app.hub(), connection, invocation_id, message, asked_by, PATIENCE)
                .await
                .map(Some)
        }
        Err(_) => Ok(None),
    };
    app.spawn(async move {
        let _place = place;
        question.wait(call, by_app).await;
    });
}

impl Question {
    /// Waits for the answer. There is no call if no client can have the id.
    async fn wait(
        self,
        call: Result<Option<BegunCall>, Refused>,
        by_app: oneshot::Receiver<ClientCompletion>,
    ) {
        let by_client = async {
            match call? {
                Some(call) => call.answered().await,
                None => Ok(None),
            }
        };
        let answered = timeout(PATIENCE, async {
            tokio::select! {
                // An answer that has arrived is more important than the report that the client
                // left.
                biased;
                Ok(completion) = by_app => self.pass_on(completion),
                answer = by_client => self.answer(answer).await,
            }
        });
        if answered.await.is_err() {
            self.fail(NOT_ANSWERED);
        }
    }

    /// Passes on the answer that the app of the client sent. If it is empty, that app was the
    /// caller itself.
    fn pass_on(&self, completion: ClientCompletion) {
        if !completion.payload.is_empty() {
            self.link.queue.push(completion);
        }
    }

    async fn answer(&self, answer: Result<Option<Answered>, Refused>) {
        sleep(rest(NOT_BEFORE, self.since)).await;
        match answer {
            Ok(Some(Ok(answer))) => self.link.queue.push(ClientCompletion {
                invocation_id: self.invocation_id.clone(),
                connection_id: self.connection_id.clone(),
                server_id: self.link.server.clone(),
                encoding: answer.protocol.name().to_owned(),
                payload: answer.frame().into(),
                extensions: Extensions::default(),
            }),
            Ok(Some(Err(no_answer))) => self.fail(&no_answer.to_string()),
            // The client may be connected: its node cannot be reached.
            Err(refused) => self.fail(&refused.to_string()),
            Ok(None) => self.fail(&format!("Connection '{}' {UNKNOWN_CLIENT}", self.connection_id)),
        }
    }

    fn fail(&self, error: &str) {
        self.link.queue.push(ErrorCompletion {
            invocation_id: self.invocation_id.clone(),
            connection_id: self.connection_id.clone(),
            server_id: self.link.server.clone(),
            error: error.to_owned(),
            extensions: Extensions::default(),
        });
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if self.is_noted {
            self.state.app_servers.questions.end(&self.link.hub, &self.invocation_id);
        }
    }
}
