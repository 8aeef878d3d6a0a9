//! The right answer: rules, credentials, limits, and then the view.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use chrono::SubsecRound as _;

use super::exchange::{Exchange, Work};
use super::gauge::Admitted;
use super::{limited, rules};
use crate::caller::Caller;
use crate::graphql;
use crate::lock::{lock, read, write};
use crate::quota::{Charge, Resource, Verdict};
use crate::reply::Refusal;
use crate::rest;

impl Exchange<'_> {
    /// Answers after a delay, during which the request counts as under way.
    pub(super) async fn answer(&self, delay: Duration) -> Response {
        if let Some(refusal) = rules::broken(self.parts) {
            return self.finish().reply(refusal.into());
        }
        let caller = match &self.caller {
            Ok(caller) => caller,
            Err(bad) => return self.finish().reply(Refusal::bad_credentials(*bad).into()),
        };
        match &self.work {
            Work::Rest(found) => self.rest(caller, found, delay).await,
            Work::Act(action, parameters) => self.act(caller, action, parameters, delay).await,
            Work::Graphql => self.graphql(caller, delay).await,
        }
    }

    async fn rest(&self, caller: &Caller, found: &rest::Found<'_>, delay: Duration) -> Response {
        let charge = Charge {
            bucket: &caller.bucket(),
            resource: self.resource(),
            endpoint: found.template(),
            cost: u64::from(found.template() != rest::RATE_LIMIT),
            points: if self.parts.method.is_safe() { 1 } else { 5 },
        };
        let _admitted = match self.admit(caller, &charge) {
            Ok(admitted) => admitted,
            Err(refused) => return *refused,
        };
        pause(delay).await;
        let reply = {
            let world = read(&self.simulator.world);
            rest::answer(
                self.simulator,
                &world,
                caller,
                &self.urls,
                self.parts,
                found,
            )
        };
        self.finish().conditional(reply, caller, &charge)
    }

    async fn act(
        &self,
        caller: &Caller,
        action: &rest::Action,
        parameters: &[&str],
        delay: Duration,
    ) -> Response {
        let charge = Charge {
            bucket: &caller.bucket(),
            resource: self.resource(),
            endpoint: action.template,
            cost: 1,
            points: 5,
        };
        let _admitted = match self.admit(caller, &charge) {
            Ok(admitted) => admitted,
            Err(refused) => return *refused,
        };
        pause(delay).await;
        let reply = rest::act(
            action,
            rest::Act {
                world: &mut write(&self.simulator.world),
                caller,
                urls: &self.urls,
                now: self.simulator.clock.now().trunc_subsecs(0),
                parameters,
                body: &self.body,
            },
        );
        self.simulator.mail.notify_one();
        self.finish().reply(reply)
    }

    async fn graphql(&self, caller: &Caller, delay: Duration) -> Response {
        if !caller.is_authorized() {
            let message = "This endpoint requires you to be authenticated.";
            let refusal = Refusal::new(StatusCode::UNAUTHORIZED, message);
            return self.finish().reply(refusal.into());
        }
        let prepared = graphql::prepare(&self.parts.method, &self.body);
        let charge = Charge {
            bucket: &caller.bucket(),
            resource: Resource::Graphql,
            endpoint: "/graphql",
            cost: prepared.as_ref().map_or(1, graphql::Prepared::cost),
            points: 1,
        };
        let _admitted = match self.admit(caller, &charge) {
            Ok(admitted) => admitted,
            Err(refused) => return *refused,
        };
        pause(delay).await;
        let reply = prepared.map_or_else(
            |invalid| invalid,
            |prepared| {
                let now = self.simulator.clock.now();
                let reading =
                    lock(&self.simulator.ledger).reading(charge.bucket, charge.resource, now);
                let world = read(&self.simulator.world);
                graphql::execute(&prepared, &world, caller, &self.urls, reading)
            },
        );
        self.finish().reply(reply)
    }

    /// Charges the request, or says why it is refused.
    fn admit(&self, caller: &Caller, charge: &Charge<'_>) -> Result<Admitted<'_>, Box<Response>> {
        let now = self.simulator.clock.now();
        let verdict = lock(&self.simulator.ledger).admit(charge, now);
        if verdict == Verdict::Admitted {
            return Ok(Admitted::new(self.simulator, charge.bucket));
        }
        lock(&self.simulator.statistics).refused(caller.login());
        let limits = &self.simulator.settings.limits;
        if verdict != Verdict::Primary {
            let reply = limited::secondary(limits, &self.request_id);
            return Err(Box::new(self.finish().without_limits(reply)));
        }
        let subject = charge.bucket.into();
        let reply = match self.work {
            Work::Graphql => limited::graphql(&subject),
            Work::Rest(_) | Work::Act(..) => {
                limited::primary(&subject, limits.primary_as_429, &self.request_id, now)
            }
        };
        Err(Box::new(self.finish().reply(reply)))
    }
}

async fn pause(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}
