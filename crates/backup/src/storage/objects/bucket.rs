//! Objects in an S3-compatible service.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};
use rustic_core::{BytesList, FileType, Id};
use tokio::runtime::Handle;

use super::super::Location;
use super::super::fault::{Class, Fault};
use super::path;

/// How often a request is repeated, and for how long in all; after that the storage counts as not there.
const RETRIES: usize = 5;
const RETRY_FOR: Duration = Duration::from_secs(45);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one object may take: a pack is at most 128 MiB.
const TRANSFER: Duration = Duration::from_mins(10);

/// A repository in a bucket.
#[derive(Debug)]
pub(in crate::storage) struct Bucket {
    store: Arc<dyn ObjectStore>,
    /// Path of the repository inside the bucket.
    root: String,
    name: String,
    /// Drives requests made from the engine's own threads.
    runtime: Handle,
}

impl Bucket {
    pub(super) fn connect(location: &Location, below: &str) -> Result<Self, Fault> {
        let name = location.to_string();
        let Location::S3 {
            endpoint,
            region,
            bucket,
            prefix,
            access_key_id,
            secret_access_key,
            allow_http,
        } = location
        else {
            return Err(Fault::absent(&name));
        };
        let mut builder = AmazonS3Builder::new()
            .with_region(region)
            .with_bucket_name(bucket)
            .with_access_key_id(access_key_id)
            .with_secret_access_key(secret_access_key.expose())
            .with_client_options(
                ClientOptions::new()
                    .with_allow_http(*allow_http)
                    .with_connect_timeout(CONNECT)
                    .with_timeout(TRANSFER),
            )
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: RETRIES,
                retry_timeout: RETRY_FOR,
            });
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder
            .build()
            .map_err(|error| Fault::object(&name, &error))?;
        let root = [prefix.trim_matches('/'), below.trim_matches('/')]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/");
        Ok(Self::over(Arc::new(store), &root, name))
    }

    pub(super) fn over(store: Arc<dyn ObjectStore>, root: &str, name: String) -> Self {
        Self {
            store,
            root: root.to_owned(),
            name,
            runtime: Handle::current(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn prepare(&self) -> Result<(), Fault> {
        let first =
            self.wait(async { self.store.list(Some(&self.folder(""))).try_next().await })?;
        match first {
            None => Ok(()),
            Some(_) => Err(Fault::occupied(&format!("{}/{}", self.name, self.root))),
        }
    }

    pub(super) fn list(&self, kind: FileType) -> Result<Vec<(Id, u64)>, Fault> {
        if kind == FileType::Config {
            let head = self.wait(async { self.store.head(&self.path(kind, &Id::default())).await });
            return match head {
                Ok(object) => Ok(vec![(Id::default(), object.size)]),
                Err(fault) if fault.class == Class::Missing => Ok(Vec::new()),
                Err(fault) => Err(fault),
            };
        }
        let all: Vec<_> = self.wait(async {
            self.store
                .list(Some(&self.folder(kind.dirname())))
                .try_collect()
                .await
        })?;
        let objects = all.into_iter().filter_map(|object| {
            let id = object.location.filename()?.parse().ok()?;
            Some((id, object.size))
        });
        Ok(objects.collect())
    }

    pub(super) fn read(&self, kind: FileType, id: &Id) -> Result<Bytes, Fault> {
        self.wait(async { self.store.get(&self.path(kind, id)).await?.bytes().await })
    }

    pub(super) fn read_range(
        &self,
        kind: FileType,
        id: &Id,
        offset: u32,
        length: u32,
    ) -> Result<Bytes, Fault> {
        let start = u64::from(offset);
        let range = start..start + u64::from(length);
        let path = self.path(kind, id);
        let content = self.wait(async { self.store.get_range(&path, range).await })?;
        if content.len() == length as usize {
            Ok(content)
        } else {
            Err(Fault::new(
                Class::Other,
                format!("The storage {} gave only part of {path}.", self.name),
            ))
        }
    }

    pub(super) fn write(&self, kind: FileType, id: &Id, content: BytesList) -> Result<(), Fault> {
        let payload: PutPayload = content.into_vec().into_iter().collect();
        self.wait(async { self.store.put(&self.path(kind, id), payload).await })
            .map(|_written| ())
    }

    pub(super) fn remove(&self, kind: FileType, id: &Id) -> Result<(), Fault> {
        self.wait(async { self.store.delete(&self.path(kind, id)).await })
    }

    pub(super) fn quarantine(&self, kind: FileType, id: &Id) -> Result<(), Fault> {
        let source = self.path(kind, id);
        let target = self.folder(&format!("quarantine/{}", path(kind, id)));
        self.wait(async { self.store.rename(&source, &target).await })
    }

    fn folder(&self, below: &str) -> Path {
        Path::from(format!("{}/{below}", self.root))
    }

    fn path(&self, kind: FileType, id: &Id) -> Path {
        self.folder(&path(kind, id))
    }

    /// Called from threads that may block only: those of the engine and of `spawn_blocking`.
    fn wait<T>(
        &self,
        request: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<T, Fault> {
        self.runtime
            .block_on(request)
            .map_err(|error| Fault::object(&self.name, &error))
    }
}
