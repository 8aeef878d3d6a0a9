//! Two systems of limits. Request throttles count in fixed windows that are aligned to the epoch, in front of everything, and
//! show in headers. Limits of single endpoints are checked later, and show in none.
//!
//! <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// So many in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Requests that are let through.
    pub requests: u64,
    /// Length of the window in seconds.
    pub seconds: i64,
}

/// What an administrator has chosen.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// API requests of one user; without it nothing is counted and no header shows.
    pub authenticated_api: Option<Rate>,
    /// All requests of one address, whoever asks.
    pub address: Option<Rate>,
    /// Requests of one user to one endpoint: `GET groups`, `GET projects/:id`, `POST notes`, …
    pub endpoints: BTreeMap<String, Rate>,
    /// Whether only refusals tell of the throttle, as earlier versions do.
    pub silent: bool,
    /// Failed sign-ins of an address in a minute, after which it is shut out, and for how many seconds.
    pub ban: Option<(u64, i64)>,
}

impl Limits {
    /// A throttle of the API alone.
    pub fn api(requests: u64, seconds: i64) -> Self {
        Self {
            authenticated_api: Some(Rate { requests, seconds }),
            ..Self::default()
        }
    }

    /// Those of gitlab.com that a reader meets.
    pub fn dotcom() -> Self {
        let endpoint =
            |name: &str, requests, seconds| (name.to_owned(), Rate { requests, seconds });
        Self {
            authenticated_api: Some(Rate {
                requests: 2_000,
                seconds: 60,
            }),
            address: Some(Rate {
                requests: 2_000,
                seconds: 60,
            }),
            endpoints: BTreeMap::from([
                endpoint("GET projects", 2_000, 600),
                endpoint("GET projects/:id", 400, 60),
                endpoint("GET groups", 50, 60),
                endpoint("GET groups/:id", 400, 60),
                endpoint("GET groups/:id/projects", 600, 60),
                endpoint("POST issues", 200, 60),
                endpoint("POST notes", 60, 60),
            ]),
            silent: false,
            ban: Some((300, 900)),
        }
    }
}

/// What was counted.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) limits: Limits,
    /// Name and key of a counter: the window that it counts, and how many.
    counters: BTreeMap<(String, String), (i64, u64)>,
    banned: BTreeMap<IpAddr, DateTime<Utc>>,
}

/// How a throttle stands after a request was counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    name: &'static str,
    rate: Rate,
    observed: u64,
    reset: i64,
}

impl Standing {
    pub(crate) fn is_refused(&self) -> bool {
        self.observed > self.rate.requests
    }

    fn remaining(&self) -> u64 {
        self.rate.requests.saturating_sub(self.observed)
    }

    /// The headers: the limit brought to a minute, everything else as it is.
    pub(crate) fn write(&self, headers: &mut HeaderMap, now: DateTime<Utc>) {
        let seconds = self.rate.seconds.max(1).unsigned_abs();
        let a_minute = (self.rate.requests * 60).div_ceil(seconds);
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("ratelimit-name", self.name.to_owned());
        set("ratelimit-limit", a_minute.to_string());
        set("ratelimit-observed", self.observed.to_string());
        set("ratelimit-remaining", self.remaining().to_string());
        set("ratelimit-reset", self.reset.to_string());
        if self.is_refused() {
            set("retry-after", (self.reset - now.timestamp()).to_string());
            let date = DateTime::from_timestamp(self.reset, 0).unwrap_or_default();
            set(
                "ratelimit-resettime",
                date.to_rfc2822().replace("+0000", "GMT"),
            );
        }
    }
}

impl Ledger {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            counters: BTreeMap::new(),
            banned: BTreeMap::new(),
        }
    }

    fn count(&mut self, name: &str, key: &str, rate: Rate, now: DateTime<Utc>) -> u64 {
        let window = now.timestamp().div_euclid(rate.seconds.max(1));
        let counter = self
            .counters
            .entry((name.to_owned(), key.to_owned()))
            .or_insert((window, 0));
        if counter.0 != window {
            *counter = (window, 0);
        }
        counter.1 += 1;
        counter.1
    }

    /// Counts a request of the API; the throttle with the least left, if one is on.
    pub(crate) fn throttle(
        &mut self,
        user: Option<u64>,
        address: IpAddr,
        now: DateTime<Utc>,
    ) -> Option<Standing> {
        let mut standings = Vec::new();
        let key = user.map_or_else(|| address.to_string(), |user| format!("user:{user}"));
        let throttles = [
            (
                "throttle_authenticated_api",
                self.limits.authenticated_api,
                key,
            ),
            ("throttle_all_ip", self.limits.address, address.to_string()),
        ];
        for (name, rate, key) in throttles {
            let Some(rate) = rate else { continue };
            let observed = self.count(name, &key, rate, now);
            let seconds = rate.seconds.max(1);
            standings.push(Standing {
                name,
                rate,
                observed,
                reset: now.timestamp() + seconds - now.timestamp().rem_euclid(seconds),
            });
        }
        standings.into_iter().min_by_key(Standing::remaining)
    }

    /// Counts a request of one user to one endpoint; whether it may go on.
    pub(crate) fn endpoint(&mut self, name: &str, user: u64, now: DateTime<Utc>) -> bool {
        let Some(rate) = self.limits.endpoints.get(name).copied() else {
            return true;
        };
        self.count(name, &user.to_string(), rate, now) <= rate.requests
    }

    /// A sign-in failed.
    pub(crate) fn failed(&mut self, address: IpAddr, now: DateTime<Utc>) {
        let Some((most, seconds)) = self.limits.ban else {
            return;
        };
        let rate = Rate {
            requests: most,
            seconds: 60,
        };
        if self.count("failed", &address.to_string(), rate, now) >= most {
            self.banned
                .insert(address, now + TimeDelta::seconds(seconds));
        }
    }

    /// Whether an address is shut out.
    pub(crate) fn is_banned(&self, address: IpAddr, now: DateTime<Utc>) -> bool {
        self.banned.get(&address).is_some_and(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_040 + seconds, 0).unwrap()
    }

    #[test]
    fn windows_are_aligned_to_the_epoch_and_tokens_of_a_user_share_them() {
        let mut ledger = Ledger::new(Limits::api(2, 60));
        assert!(!ledger.throttle(Some(1), HERE, at(58)).unwrap().is_refused());
        assert!(!ledger.throttle(Some(1), HERE, at(59)).unwrap().is_refused());
        assert!(ledger.throttle(Some(1), HERE, at(59)).unwrap().is_refused());
        assert!(!ledger.throttle(Some(2), HERE, at(59)).unwrap().is_refused());
        assert!(!ledger.throttle(Some(1), HERE, at(60)).unwrap().is_refused());
    }

    #[test]
    fn the_limit_is_told_by_the_minute_and_what_remains_is_not() {
        let mut ledger = Ledger::new(Limits::api(7_200, 3_600));
        let mut headers = HeaderMap::new();
        ledger
            .throttle(Some(1), HERE, at(0))
            .unwrap()
            .write(&mut headers, at(0));
        assert_eq!(headers["ratelimit-limit"], "120");
        assert_eq!(headers["ratelimit-remaining"], "7199");
        assert!(!headers.contains_key("retry-after"));
    }

    #[test]
    fn many_failed_sign_ins_shut_an_address_out() {
        let mut ledger = Ledger::new(Limits {
            ban: Some((2, 900)),
            ..Limits::default()
        });
        ledger.failed(HERE, at(0));
        assert!(!ledger.is_banned(HERE, at(1)));
        ledger.failed(HERE, at(1));
        assert!(ledger.is_banned(HERE, at(899)) && !ledger.is_banned(HERE, at(901)));
    }
}
