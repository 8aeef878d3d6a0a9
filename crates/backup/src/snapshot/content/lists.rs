//! The lists, and the assets that one of them names.

use std::sync::atomic::Ordering;

use domain::{ForgeKind, Kind};
use futures_util::StreamExt;

use super::{Fetch, Held, Now, weight};
use crate::metadata::Reading;
use crate::snapshot::{Refusal, Stock, plan};
use crate::staging::metadata_path;
use crate::{Error, assets};

/// Lists read at the same time.
const LISTS_AT_ONCE: usize = 3;

impl Fetch<'_> {
    /// The lists, a few at a time, and the assets that the releases name.
    pub(super) async fn lists(&self) -> Result<Held, Error> {
        let kinds = plan::LISTS.into_iter().filter(|kind| self.wants(*kind));
        let outcomes: Vec<_> = futures_util::stream::iter(kinds)
            .map(|kind| async move {
                let outcome = self.list(kind).await;
                if outcome.is_err() {
                    self.ending.store(true, Ordering::Relaxed);
                }
                outcome.map(|now| (kind, now))
            })
            .buffer_unordered(LISTS_AT_ONCE)
            .collect()
            .await;
        let mut held = Held::default();
        let mut errors = Vec::new();
        for outcome in outcomes {
            match outcome {
                Ok((kind, Some(now))) => {
                    held.read.insert(kind, now);
                }
                Ok((_, None)) => {}
                Err(error) => errors.push(error),
            }
        }
        if let Some(worst) = errors.into_iter().max_by_key(weight) {
            return Err(worst);
        }
        if self.wants(Kind::Assets) {
            self.assets(&mut held).await?;
        }
        Ok(held)
    }

    /// One list; nothing if the fetch is ending.
    async fn list(&self, kind: Kind) -> Result<Option<Now>, Error> {
        if self.is_ending() {
            return Ok(None);
        }
        let Some(collection) = self.client.collection(kind) else {
            return Ok(None);
        };
        if self.job.repository.switched_off.contains(&kind) {
            return Ok(Some(Now::Absent));
        }
        let path = self.staging.path(&metadata_path(kind));
        let expected = plan::expected(self.client.host().kind(), kind, &self.job.repository.marks);
        let nothing = expected == Some(0) && !path.is_file();
        if nothing || self.is_done(kind) {
            return Ok(Some(Now::Read));
        }
        let reading = Reading {
            collection,
            path,
            journal: self.staging.path("journal"),
            attempt: self.attempt.clone(),
            whole: self.job.sweep || expected == Some(0) || self.was_not_asked(kind),
            expected,
        };
        let told = |done| self.tell(kind, done, expected);
        match reading.run(&(self.client, self.repository()), &told).await {
            Ok(file) => {
                self.finished(kind, file)?;
                Ok(Some(Now::Read))
            }
            Err(Error::Forge(error)) => self.refused(kind, Refusal::judge(error)?).await.map(Some),
            Err(error) => Err(error),
        }
    }

    async fn assets(&self, held: &mut Held) -> Result<(), Error> {
        let known = self
            .ground
            .content
            .as_ref()
            .map(|(manifest, _)| manifest.assets.clone())
            .unwrap_or_default();
        let listed = match self.client.host().kind() {
            ForgeKind::GitHub => {
                assets::of_releases(&self.staging.path(&metadata_path(Kind::Releases)))?
            }
            ForgeKind::GitLab => {
                assets::of_uploads(&self.staging.path(&metadata_path(Kind::Uploads)))?
            }
        };
        let stock = Stock::new(self.staging, &self.ground.stored);
        let told = |done, total| self.tell(Kind::Assets, done, Some(total));
        let fetched = assets::fetch(
            self.client,
            self.repository(),
            listed,
            &known,
            &stock,
            &told,
        )
        .await?;
        held.read.insert(Kind::Assets, Now::of(fetched.omissions));
        held.assets = Some(fetched.assets);
        Ok(())
    }
}
