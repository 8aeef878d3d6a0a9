//! Whether hosts and storages answer. Costs no quota.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Host;
use domain::Place;
use store::{Db, Scoped, Storage};
use tokio::net::TcpStream;
use url::Url;

use super::Finding;
use crate::commands::storage::place_of;
use crate::context::Context;
use crate::error::Error;

/// A host that takes longer counts as unreachable.
const TIME_OUT: Duration = Duration::from_secs(5);

/// Every host and every storage of every tenant.
pub(super) async fn check(context: &Context, db: &Db) -> Result<Vec<Finding>, Error> {
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    let mut findings = Vec::new();
    for tenant in db.fleet().tenants().await? {
        let scoped = db.tenant(tenant.id);
        for organization in scoped.organizations().await? {
            hosts.insert(organization.host.authority(), organization.host);
        }
        findings.extend(storages(context, &scoped).await?);
    }
    for host in hosts.values() {
        findings.push(reach(host).await);
    }
    Ok(findings)
}

async fn reach(host: &Host) -> Finding {
    let check = format!("host {}", host.authority());
    match connect(host.rest()).await {
        Ok(address) => Finding::good(check, format!("{address} answers")),
        Err(sentence) => Finding::broken(check, sentence),
    }
}

/// Whether anything listens there: no request is sent.
async fn connect(url: &Url) -> Result<String, String> {
    let (Some(name), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(format!("{url} has no address."));
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let address = format!("{name}:{port}");
    match tokio::time::timeout(TIME_OUT, TcpStream::connect((name, port))).await {
        Ok(Ok(_)) => Ok(address),
        Ok(Err(error)) => Err(format!(
            "{address} cannot be reached ({error}): check the network, name resolution and firewalls."
        )),
        Err(_) => Err(format!(
            "{address} does not answer within {} s: check the network and firewalls.",
            TIME_OUT.as_secs()
        )),
    }
}

async fn storages(context: &Context, scoped: &Scoped) -> Result<Vec<Finding>, Error> {
    let organizations = scoped.organizations().await?;
    let mut findings = Vec::new();
    for storage in scoped.storages().await? {
        let check = format!("storage {}", storage.name);
        let mut found = is_there(&storage).await;
        for organization in &organizations {
            let used = scoped
                .storage_repository(organization.id, storage.id)
                .await?;
            if found.is_err() || used.is_none() {
                continue;
            }
            // What holds something already is opened, which reads a little of it.
            found = context
                .open_storage(scoped, organization.id, storage.id)
                .await
                .map(|_| "it opens".to_owned())
                .map_err(|error| error.to_string());
        }
        findings.push(match found {
            Ok(detail) => Finding::good(check, detail),
            Err(sentence) => Finding::broken(check, sentence),
        });
    }
    Ok(findings)
}

async fn is_there(storage: &Storage) -> Result<String, String> {
    match place_of(storage) {
        None => Err("Its address is not understood: a newer version has written it.".to_owned()),
        Some(Place::Local { path }) if path.is_dir() => Ok(format!("{} is there", path.display())),
        Some(Place::Local { path }) => Err(format!(
            "{} is not a folder of this machine: mount it, or create it.",
            path.display()
        )),
        Some(Place::S3 {
            endpoint, region, ..
        }) => {
            let address = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
            let url = Url::parse(&address).map_err(|error| format!("{address}: {error}."))?;
            connect(&url)
                .await
                .map(|address| format!("{address} answers"))
        }
    }
}
