//! A connected app server, for the handlers of its messages.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use signalr_serverless::HubName;
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

use super::in_turn::{Concerned, InTurn};
use crate::{app_server::AppLink, hub::command::Target, state::State};

/// How many questions of one server connection may wait for their answers.
const QUESTIONS: usize = 1024;
/// How many clients one server connection may call at the same time.
pub(super) const ASKED: usize = 4096;

/// An app server, represented by one of its connections.
pub(super) struct App {
    pub(super) state: Arc<State>,
    pub(super) link: Arc<AppLink>,
    questions: Arc<Semaphore>,
    pub(super) asked: Arc<Semaphore>,
    pub(super) in_turn: InTurn,
    tasks: Mutex<JoinSet<()>>,
}

impl App {
    pub(super) fn new(state: Arc<State>, link: Arc<AppLink>) -> Self {
        let questions = Arc::new(Semaphore::new(QUESTIONS));
        let asked = Arc::new(Semaphore::new(ASKED));
        Self { state, link, questions, asked, in_turn: InTurn::new(), tasks: Mutex::default() }
    }

    pub(super) fn hub(&self) -> HubName {
        self.link.hub.clone()
    }

    /// Runs an answer in a task of its own. Waits first while too many answers are open.
    pub(super) async fn later(&self, answer: impl Future<Output = ()> + Send + 'static) {
        // The semaphore is never closed.
        let place = Arc::clone(&self.questions).acquire_owned().await;
        self.spawn(async move {
            let _place = place;
            answer.await;
        });
    }

    /// Runs a task that ends with the server connection.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Waits until the changes of users' groups that came before are done, as far as they concern the
    /// target.
    pub(super) async fn in_force(&self, target: &Target) {
        if let Target::Group(group) = target {
            self.in_turn.done(&Concerned::One(group.clone())).await;
        }
    }

    /// Drops all open tasks.
    pub(super) fn end(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

/// How much remains of a period that began at `since`.
pub(super) fn rest(of: Duration, since: Instant) -> Duration {
    of.saturating_sub(since.elapsed())
}
