//! Releases and their files.

use serde_json::{Value, json};

use super::{Show, maybe_time, time};
use crate::world::{Asset, Release, Repository, node_id};

impl Show<'_> {
    pub(crate) fn release(&self, repository: &Repository, release: &Release) -> Value {
        let base = self.repository_url(repository);
        let page = self.repository_page(repository);
        let url = format!("{base}/releases/{}", release.id);
        let tag = &release.tag_name;
        json!({
            "url": url,
            "html_url": format!("{page}/releases/tag/{tag}"),
            "assets_url": format!("{url}/assets"),
            "upload_url": format!(
                "{}/api/uploads/repos/{}/releases/{}/assets{{?name,label}}",
                self.urls.web,
                self.world.full_name(repository),
                release.id
            ),
            "tarball_url": format!("{base}/tarball/{tag}"),
            "zipball_url": format!("{base}/zipball/{tag}"),
            "id": release.id,
            "node_id": node_id::encode(node_id::RELEASE, release.id),
            "tag_name": tag,
            "target_commitish": release.target,
            "name": release.name,
            "body": release.body,
            "draft": release.draft,
            "prerelease": release.prerelease,
            "immutable": false,
            "created_at": time(release.created_at),
            "updated_at": time(release.updated_at),
            "published_at": maybe_time(release.published_at),
            "author": self.user(release.author_id),
            "assets": release
                .assets
                .iter()
                .map(|asset| self.asset(repository, release, asset))
                .collect::<Vec<_>>(),
        })
    }

    pub(crate) fn asset(&self, repository: &Repository, release: &Release, asset: &Asset) -> Value {
        let page = self.repository_page(repository);
        json!({
            "url": format!("{}/releases/assets/{}", self.repository_url(repository), asset.id),
            "browser_download_url": format!("{page}/releases/download/{}/{}", release.tag_name, asset.name),
            "id": asset.id,
            "node_id": node_id::encode(node_id::ASSET, asset.id),
            "name": asset.name,
            "label": null,
            "state": "uploaded",
            "content_type": asset.content_type,
            "size": asset.content.size,
            "digest": format!("sha256:{}", asset.sha256),
            "download_count": 0,
            "created_at": time(asset.created_at),
            "updated_at": time(asset.updated_at),
            "uploader": self.user(asset.uploader_id),
        })
    }
}
