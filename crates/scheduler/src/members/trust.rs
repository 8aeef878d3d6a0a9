//! Private authorities of hosts, brought from the store to where requests and git find them.

use std::collections::BTreeMap;

use forge::PrivateAuthority;
use tracing::warn;

use crate::Error;
use crate::engine::Engine;

/// Trusts what the store says. An authority that cannot be understood leaves its host untrusted, and no other.
pub(super) async fn load(engine: &Engine) -> Result<(), Error> {
    let stored = engine.fleet.certificate_authorities().await?;
    let folder = engine.config.data.join("authorities");
    let mut authorities = BTreeMap::new();
    for (host, pem) in stored {
        let name: String = host
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '.' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let file = folder.join(format!("{name}.pem"));
        let failed = |source| Error::Folder {
            path: file.clone(),
            source,
        };
        if std::fs::read_to_string(&file).ok().as_deref() != Some(pem.as_str()) {
            std::fs::create_dir_all(&folder).map_err(failed)?;
            std::fs::write(&file, &pem).map_err(failed)?;
        }
        authorities.insert(host, PrivateAuthority { pem, file });
    }
    for (host, error) in engine.forge.trust(&authorities) {
        warn!(host, %error, "The private authority of a host cannot be used.");
    }
    Ok(())
}
