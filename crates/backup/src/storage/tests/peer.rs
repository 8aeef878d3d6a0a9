//! An S3 service in this process, and a way to break its listings.

use std::convert::Infallible;
use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Secret;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s::{S3Result, s3_error};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::storage::Location;

/// A running service; it stops when this is dropped.
pub(super) struct Peer {
    endpoint: String,
    server: JoinHandle<Infallible>,
    /// Whether every listing ends after its first page.
    pub(super) breaks_off: Arc<AtomicBool>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Peer {
    pub(super) async fn start(root: &Path) -> Self {
        fs::create_dir_all(root.join("backups")).unwrap();
        let breaks_off = Arc::new(AtomicBool::new(false));
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
        builder.set_auth(SimpleAuth::from_single("id", "key"));
        builder.set_access(FirstPageOnly(Arc::clone(&breaks_off)));
        let service = builder.build();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            loop {
                if let Ok((socket, _)) = listener.accept().await {
                    let service = service.clone();
                    tokio::spawn(async move {
                        let builder = Builder::new(TokioExecutor::new());
                        drop(
                            builder
                                .serve_connection(TokioIo::new(socket), service)
                                .await,
                        );
                    });
                }
            }
        });
        Self {
            endpoint,
            server,
            breaks_off,
        }
    }

    pub(super) fn location(&self) -> Location {
        Location::S3 {
            endpoint: Some(self.endpoint.clone()),
            region: "us-east-1".into(),
            bucket: "backups".into(),
            prefix: "holdfast".into(),
            access_key_id: "id".into(),
            secret_access_key: Secret::new("key"),
            allow_http: true,
        }
    }
}

/// Refuses every page of a listing but the first, while it is switched on.
struct FirstPageOnly(Arc<AtomicBool>);

impl S3Access for FirstPageOnly {
    fn check<'this, 'context, 'inner, 'future>(
        &'this self,
        context: &'context mut S3AccessContext<'inner>,
    ) -> Pin<Box<dyn Future<Output = S3Result<()>> + Send + 'future>>
    where
        'this: 'future,
        'context: 'future,
        'inner: 'future,
        Self: 'future,
    {
        let later = context
            .uri()
            .query()
            .is_some_and(|query| query.contains("continuation-token"));
        let refused = context.credentials().is_none() || (later && self.0.load(Ordering::SeqCst));
        Box::pin(async move {
            if refused {
                Err(s3_error!(AccessDenied))
            } else {
                Ok(())
            }
        })
    }
}
