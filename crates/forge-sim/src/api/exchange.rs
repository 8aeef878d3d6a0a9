//! One request and everything known about it before it is answered.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::response::Response;

use super::Interface;
use super::finish::Finish;
use super::limited::Subject;
use crate::caller::{BadCredentials, Caller};
use crate::chaos::{self, Effect, Target};
use crate::lock::{lock, read};
use crate::quota::Resource;
use crate::rest;
use crate::state::Simulator;
use crate::statistics::Arrival;
use crate::urls::{Entrance, Urls};

pub(super) struct Exchange<'a> {
    pub(super) simulator: &'a Simulator,
    pub(super) parts: &'a Parts,
    pub(super) body: Bytes,
    pub(super) urls: Urls,
    pub(super) caller: Result<Caller, BadCredentials>,
    pub(super) work: Work<'a>,
    pub(super) request_id: String,
    path: &'a str,
}

/// What is to be done.
pub(super) enum Work<'a> {
    Rest(rest::Found<'a>),
    Act(&'static rest::Action, Vec<&'a str>),
    Graphql,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        simulator: &'a Simulator,
        interface: Interface,
        entrance: &Entrance,
        address: IpAddr,
        parts: &'a Parts,
        body: Bytes,
    ) -> Self {
        let settings = &simulator.settings;
        let number = simulator.last_request.fetch_add(1, Ordering::SeqCst);
        let below_root = rest::below_root(parts.uri.path());
        let (work, path) = match interface {
            Interface::Graphql => (Work::Graphql, "/graphql"),
            Interface::Rest => {
                let work = match rest::find_action(&parts.method, below_root) {
                    Some((action, parameters)) => Work::Act(action, parameters),
                    None => Work::Rest(rest::find(&parts.method, below_root)),
                };
                (work, below_root)
            }
        };
        let mut exchange = Self {
            simulator,
            parts,
            body,
            urls: Urls::new(entrance, &parts.headers, settings.download_port),
            caller: Err(BadCredentials::UNKNOWN),
            work,
            request_id: format!(
                "{:04X}:{:06X}:{number:08X}",
                settings.seed & 0xffff,
                0x00c0_ffee
            ),
            path,
        };
        exchange.identify(address);
        exchange
    }

    /// Finds out who sent the request, as the world is now.
    pub(super) fn identify(&mut self, address: IpAddr) {
        let now = self.simulator.clock.now();
        let world = read(&self.simulator.world);
        self.caller = Caller::of(&self.parts.headers, address, &world, now);
    }

    pub(super) fn login(&self) -> &str {
        self.caller.as_ref().map_or("unknown", Caller::login)
    }

    pub(super) fn resource(&self) -> Resource {
        match &self.work {
            Work::Graphql => Resource::Graphql,
            Work::Rest(_) if self.path.starts_with("/search/") => Resource::Search,
            Work::Rest(_) | Work::Act(..) => Resource::Core,
        }
    }

    /// Counts the request and looks up what is to happen to it.
    pub(super) fn arrive(&self) -> Option<Effect> {
        let route = match &self.work {
            Work::Rest(found) => found.template(),
            Work::Act(action, _) => action.template,
            Work::Graphql => "/graphql",
        };
        lock(&self.simulator.statistics).arrived(Arrival {
            login: self.login(),
            resource: self.resource().name(),
            route: format!("{} {route}", self.parts.method),
        });
        let effect = lock(&self.simulator.faults).strike(&Target {
            method: self.parts.method.as_str(),
            path: self.path,
            login: self.caller.as_ref().ok().map(Caller::login),
        });
        if effect.is_some() {
            lock(&self.simulator.statistics).faults += 1;
        }
        effect
    }

    /// The answer that a fault puts in place of the right one.
    pub(super) fn replaced(&self, effect: &Effect) -> Option<Response> {
        let subject = match &self.caller {
            Ok(caller) => Subject::of(&caller.bucket()),
            Err(BadCredentials(_)) => Subject::Nobody,
        };
        let graphql = matches!(self.work, Work::Graphql);
        let reply = chaos::replacement(effect, &subject, graphql, self.simulator.clock.now())?;
        Some(self.finish().fault(reply, effect))
    }

    pub(super) fn finish(&self) -> Finish<'_> {
        Finish {
            simulator: self.simulator,
            request: &self.parts.headers,
            caller: self.caller.as_ref().ok(),
            resource: self.resource(),
            request_id: &self.request_id,
        }
    }
}
