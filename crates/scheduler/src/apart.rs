//! Runs work that reads and writes files between its waits on a thread of its own, so that it holds up neither the heartbeat of this
//! worker nor the requests of other fetches.

use tokio::runtime::Handle;

/// Makes a future on a thread of its own and runs it there to its end. A panic in it is a panic here.
pub(crate) async fn apart<F>(make: impl FnOnce() -> F + Send + 'static) -> F::Output
where
    F: Future,
    F::Output: Send + 'static,
{
    let runtime = Handle::current();
    match tokio::task::spawn_blocking(move || runtime.block_on(make())).await {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Blocking work is never cancelled once it runs, and it is waited for here.
            Err(_cancelled) => std::future::pending().await,
        },
    }
}
