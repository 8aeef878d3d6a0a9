//! Releases with their files.

use chrono::{DateTime, TimeDelta, Utc};

use super::Grower;
use crate::git::history;
use crate::seed::words;
use crate::world::{Asset, Content, Release};

impl Grower<'_> {
    pub(super) fn releases(&mut self, target: Option<&String>) -> Vec<Release> {
        (1..=self.recipe.releases)
            .map(|number| {
                let created_at = self.moment(i64::try_from(number).unwrap_or(0));
                Release {
                    id: self.world.next_id(),
                    tag_name: history::tag_name(number),
                    target: target.cloned().unwrap_or_else(|| "main".to_owned()),
                    name: Some(format!("Release {number}")),
                    body: Some(words::text(&mut self.random)),
                    draft: false,
                    prerelease: number % 3 == 0,
                    author_id: self.contributors.pick(&mut self.random),
                    created_at,
                    updated_at: created_at,
                    published_at: Some(created_at + TimeDelta::minutes(5)),
                    assets: self.assets(number, created_at),
                }
            })
            .collect()
    }

    fn assets(&mut self, release: u64, created_at: DateTime<Utc>) -> Vec<Asset> {
        (1..=self.recipe.assets_per_release)
            .map(|number| {
                let content = Content {
                    seed: self.random.u64(..),
                    size: self.recipe.asset_bytes,
                };
                Asset {
                    id: self.world.next_id(),
                    name: format!("package-{release}.{number}.tar.gz"),
                    content_type: "application/gzip".to_owned(),
                    content,
                    sha256: content.sha256(),
                    uploader_id: self.contributors.pick(&mut self.random),
                    created_at,
                    updated_at: created_at,
                }
            })
            .collect()
    }
}
