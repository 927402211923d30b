//! The handlers of events: the user's own functions, with their types hidden.

use std::{fmt, pin::Pin, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use crate::{context::Context, encoding, error::MethodError, invocation::Arguments};

type Running<T> = Pin<Box<dyn Future<Output = Result<T, MethodError>> + Send>>;

/// A handler of one kind of event. It gets the context and an `A`, and returns an `R`.
pub(crate) struct Handler<A, R>(Arc<dyn Fn(Context, A) -> Running<R> + Send + Sync>);

/// A method that clients can call. Its result has the encoding of the arguments.
pub(crate) type Method = Handler<Arguments, Vec<u8>>;

impl<A: 'static, R: 'static> Handler<A, R> {
    pub(crate) fn new<F, Fut>(handler: F) -> Self
    where
        F: Fn(Context, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, MethodError>> + Send + 'static,
    {
        Self(Arc::new(move |context, given| Box::pin(handler(context, given))))
    }

    pub(crate) async fn call(&self, context: Context, given: A) -> Result<R, MethodError> {
        (self.0)(context, given).await
    }
}

impl Method {
    pub(crate) fn typed<A, R, F, Fut>(method: F) -> Self
    where
        A: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
        F: Fn(Context, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, MethodError>> + Send + 'static,
    {
        let method = Arc::new(method);
        Self::new(move |context, arguments: Arguments| {
            let method = Arc::clone(&method);
            async move {
                let encoding = arguments.encoding();
                let arguments = arguments.read().map_err(|error| {
                    MethodError::refused(format!("the arguments do not fit the method: {error}"))
                })?;
                let result = method(context, arguments).await?;
                encoding::value(encoding, &result).map_err(|error| {
                    MethodError::refused(format!("the result cannot be sent: {}", error.0))
                })
            }
        })
    }
}

impl<A, R> Clone for Handler<A, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, R> fmt::Debug for Handler<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}
