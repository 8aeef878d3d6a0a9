//! Work that blocks, kept away from the threads that must not.

use crate::Error;

/// Runs blocking work on a thread of its own. A panic inside becomes an error of this crate.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => Err(Error::storage(format!(
            "Work on the snapshot broke off: {}.",
            panic_words(error.into_panic().as_ref())
        ))),
        Err(_) => Err(Error::Cancelled),
    }
}

fn panic_words(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason was given")
}
