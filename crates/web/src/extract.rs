//! On whose behalf a handler acts. These values are made by the guard alone: without one there is no handler body.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use domain::{ForgeKind, MemberRole, Name};
use serde::de::DeserializeOwned;
use store::{Actor, Scoped, Viewer};

use crate::Console;
use crate::error::Error;
use crate::session;

/// How htmx asks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hx {
    /// A script asks, not the browser itself.
    pub(crate) request: bool,
    /// It wants a side panel and nothing around it.
    pub(crate) panel: bool,
}

impl Hx {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let is = |name: &str, wanted: &str| {
            headers
                .get(name)
                .is_some_and(|value| value.as_bytes() == wanted.as_bytes())
        };
        let request = is("hx-request", "true") && !is("hx-history-restore-request", "true");
        Self {
            request,
            panel: request && is("hx-target", "panel-slot"),
        }
    }
}

/// What surrounds a page: who looks at it, in which tenant, and what is to be said once.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) viewer: Arc<Viewer>,
    pub(crate) tenant: Option<(Name, MemberRole)>,
    pub(crate) hx: Hx,
    pub(crate) toast: Option<String>,
}

impl AsRef<Self> for Frame {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Somebody who is signed in, in no tenant in particular.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) frame: Frame,
    pub(crate) address: IpAddr,
}

impl SignedIn {
    pub(crate) fn viewer(&self) -> &Viewer {
        &self.frame.viewer
    }

    /// Who the audit log names.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            person: Some(self.frame.viewer.person),
            name: self.frame.viewer.name.clone(),
            address: Some(self.address),
        }
    }
}

/// Somebody who runs the installation.
#[derive(Debug, Clone)]
pub(crate) struct ServiceOperator(pub(crate) SignedIn);

/// A member of the tenant in the address, with at least the role that the route asks for.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) signed_in: SignedIn,
    pub(crate) tenant_name: Name,
    pub(crate) role: MemberRole,
    /// The tenant's data; changes are noted as this person's.
    pub(crate) scoped: Scoped,
}

impl Member {
    pub(crate) fn viewer(&self) -> &Viewer {
        self.signed_in.viewer()
    }

    pub(crate) fn hx(&self) -> Hx {
        self.signed_in.frame.hx
    }

    /// An address within the tenant: `member.url("plans")` is `/t/acme/plans`.
    pub(crate) fn url(&self, rest: impl std::fmt::Display) -> String {
        format!("/t/{}/{rest}", self.tenant_name)
    }
}

impl AsRef<Frame> for SignedIn {
    fn as_ref(&self) -> &Frame {
        &self.frame
    }
}

impl AsRef<Frame> for ServiceOperator {
    fn as_ref(&self) -> &Frame {
        &self.0.frame
    }
}

impl AsRef<Frame> for Member {
    fn as_ref(&self) -> &Frame {
        &self.signed_in.frame
    }
}

/// What the guard has put there; its absence means that a route's row and its handler disagree.
fn from_guard<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<T, Error> {
    parts.extensions.get().cloned().ok_or_else(|| {
        Error::internal(format!(
            "The handler of {} wants {}, which its route's access does not give.",
            parts.uri.path(),
            std::any::type_name::<T>()
        ))
    })
}

macro_rules! made_by_the_guard {
    ($($name:ident),+) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
                from_guard(parts)
            }
        }
    )+};
}

made_by_the_guard!(SignedIn, ServiceOperator, Member);

/// Whose hosts the address is about: its part behind the tenant says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vendor(pub(crate) ForgeKind);

impl<S: Send + Sync> FromRequestParts<S> for Vendor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let word = parts.uri.path().split('/').nth(3).unwrap_or_default();
        word.parse()
            .map(Self)
            .map_err(|_not_a_vendor: domain::Invalid| Error::NotFound)
    }
}

/// Whoever comes to a page for anyone, signed in or not.
#[derive(Debug)]
pub(crate) struct Visitor(pub(crate) Option<Frame>);

impl FromRequestParts<Console> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Error> {
        let viewer = session::viewer(console, &parts.headers).await?;
        Ok(Self(viewer.map(|viewer| {
            Frame {
                tenant: viewer
                    .memberships
                    .first()
                    .map(|first| (first.tenant_name.clone(), first.role)),
                viewer,
                hx: Hx::of(&parts.headers),
                toast: None,
            }
        })))
    }
}

/// Where the request comes from: the connection's other end, or what a known proxy says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address(pub(crate) IpAddr);

impl Address {
    pub(crate) fn of(parts: &Parts, console: &Console) -> Self {
        // Tests speak to the router without a connection.
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| {
                info.0.ip().to_canonical()
            });
        let proxies = &console.settings.proxies;
        if !proxies.contains(&peer) {
            return Self(peer);
        }
        // The last word that is not a proxy's own: what stands before it, the visitor may have made up.
        let said = parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|one| one.trim().parse::<IpAddr>().ok())
            .rfind(|one| !proxies.contains(one));
        Self(said.unwrap_or(peer))
    }
}

impl FromRequestParts<Console> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Console,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts, console))
    }
}

/// The variable parts of an address; what cannot be one does not exist.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|path| Self(path.0))
            .map_err(|_rejection: axum::extract::rejection::PathRejection| Error::NotFound)
    }
}

#[cfg(test)]
mod tests;
