//! The work of a connection after the answer to its upgrade.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Holds the work that a socket needs after the answer to its upgrade. Each request has one of these
/// in its extensions.
///
/// The connection's own task does the work, so an upgrade wakes no other task.
///
/// ```
/// use hyper::{Request, upgrade};
/// use signalr_http_server::{Afterwards, take_socket};
///
/// fn upgrade<B>(mut request: Request<B>) {
///     let socket = upgrade::on(&mut request);
///     if let Some(afterwards) = request.extensions().get::<Afterwards>() {
///         afterwards.set(async {
///             let _socket = socket.await.map(take_socket);
///         });
///     }
/// }
/// ```
#[derive(Clone, Default)]
pub struct Afterwards(
    // Held for short synchronous sections only.
    Arc<Mutex<Option<Work>>>,
);

impl Afterwards {
    /// Sets the work to do after the connection has ended or was upgraded. It replaces work that was
    /// set before. If the whole server is dropped, the work is dropped too.
    pub fn set(&self, work: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(work));
    }

    /// Does the work that was set, if there is any.
    pub(crate) async fn work(&self) {
        let work = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = work {
            work.await;
        }
    }
}

impl fmt::Debug for Afterwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Afterwards")
    }
}
