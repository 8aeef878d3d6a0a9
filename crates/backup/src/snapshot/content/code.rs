//! The repository itself: git, LFS and the wiki.

use domain::{Kind, Omission};

use super::{Fetch, Held, Now};
use crate::git::{Mirror, References};
use crate::snapshot::mirrors::{self, Outcome};
use crate::snapshot::{Refusal, Stock};
use crate::{Error, lfs};

impl Fetch<'_> {
    pub(super) async fn git(&self) -> Result<Held, Error> {
        let mut held = Held::default();
        if !self.wants(Kind::Git) && !self.wants(Kind::Lfs) {
            return Ok(held);
        }
        let mirror = Mirror::at(self.staging.path("git"), self.job.cancel.clone());
        let told = |done, total| self.tell(Kind::Git, done, Some(total));
        let mut fetched =
            mirrors::git(self.client, self.repository(), self.job, &mirror, &told).await;
        if mirrors::has_moved(&fetched) {
            let renamed = self.standing().await?;
            fetched = mirrors::git(self.client, renamed, self.job, &mirror, &told).await;
        }
        let outcome = Outcome::judge(Kind::Git, fetched)?;
        match outcome {
            Outcome::Fetched(references) => {
                held.read.insert(Kind::Git, Now::Read);
                if self.asks(Kind::Lfs) {
                    self.lfs(&mirror, &references, &mut held).await?;
                }
                held.git = Some(references);
            }
            Outcome::Refused(reason, words) => {
                let detail = format!("The host refused git: {words}");
                let now = self
                    .refused(Kind::Git, Refusal::Omit(reason, detail))
                    .await?;
                held.read.insert(Kind::Git, now);
            }
            Outcome::Absent => {
                held.read.insert(Kind::Git, Now::Absent);
            }
        }
        Ok(held)
    }

    async fn lfs(
        &self,
        mirror: &Mirror,
        references: &References,
        held: &mut Held,
    ) -> Result<(), Error> {
        let known = self
            .ground
            .content
            .as_ref()
            .map(|(manifest, _)| manifest.lfs.clone())
            .unwrap_or_default();
        let memory = self.staging.path("journal/lfs.json");
        let pointers = match lfs::pointers(mirror, references, memory, &known).await {
            Ok(pointers) => pointers,
            Err(lfs::PointersError::Staging(error)) => return Err(error),
            Err(lfs::PointersError::Git(failure)) => {
                return Err(failure.into_error("Looking for LFS pointers"));
            }
        };
        let stock = Stock::new(self.staging, &self.ground.stored);
        let told = |done, total| self.tell(Kind::Lfs, done, Some(total));
        let fetched = lfs::fetch(self.client, self.repository(), &pointers, &stock, &told).await?;
        held.read.insert(Kind::Lfs, Now::of(fetched.omissions));
        held.lfs = Some(fetched.objects);
        Ok(())
    }

    pub(super) async fn wiki(&self) -> Result<Held, Error> {
        let mut held = Held::default();
        if !self.asks(Kind::Wiki) {
            return Ok(held);
        }
        let now = if self.job.repository.has_wiki {
            let mirror = Mirror::at(self.staging.path("wiki"), self.job.cancel.clone());
            let told = |done, total| self.tell(Kind::Wiki, done, Some(total));
            let mut fetched =
                mirrors::wiki(self.client, self.repository(), self.job, &mirror, &told).await;
            if mirrors::has_moved(&fetched) {
                let renamed = self.standing().await?;
                fetched = mirrors::wiki(self.client, renamed, self.job, &mirror, &told).await;
            }
            match Outcome::judge(Kind::Wiki, fetched)? {
                Outcome::Fetched(references) => {
                    held.wiki = references.host_digest();
                    held.wiki_references = Some(references);
                    Now::Read
                }
                Outcome::Absent => Now::Absent,
                Outcome::Refused(reason, words) => Now::Lacking(vec![Omission {
                    kind: Kind::Wiki,
                    reason,
                    detail: format!("The host refused the wiki: {words}"),
                }]),
            }
        } else {
            Now::Absent
        };
        held.read.insert(Kind::Wiki, now);
        Ok(held)
    }
}
