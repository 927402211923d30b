//! A request to the shards, whose answers the caller waits for later.

use tokio::sync::oneshot;

use super::queues::Stopping;

/// A request to the shards, and their answers to come.
#[derive(Debug)]
pub(crate) struct Begun(pub(super) Vec<oneshot::Receiver<usize>>);

impl Begun {
    /// Waits until the request is carried out. Returns how many connections matched.
    pub(crate) async fn matched(self) -> Result<usize, Stopping> {
        Ok(all(self.0).await?.into_iter().sum())
    }
}

/// The answers of all shards that were asked.
pub(super) async fn all<T>(answers: Vec<oneshot::Receiver<T>>) -> Result<Vec<T>, Stopping> {
    let mut all = Vec::with_capacity(answers.len());
    for answer in answers {
        all.push(answer.await.map_err(|_| Stopping)?);
    }
    Ok(all)
}
