//! What a host publishes of how it limits its clients: known beforehand, where quota is only known from answers.

use chrono::TimeDelta;

/// How a host limits one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Length of a window.
    pub window: TimeDelta,
    /// Whether windows end at multiples of their length since the epoch. If not, one begins with the first request after
    /// the last one's end.
    pub aligned: bool,
    /// Requests that may be under way together.
    pub concurrency: u32,
    /// Points that one endpoint may be asked for a minute.
    pub points_a_minute: u32,
    /// The same for GraphQL.
    pub graphql_points_a_minute: u32,
    /// The part of a minute's points that may leave at once, in percent; the rest is spaced evenly. Where all requests share one
    /// pace, whoever comes late would find everything taken by a burst, so there it is 0.
    pub at_once_percent: u8,
    /// Requests that may be under way from all buckets together: the host sees one address.
    pub address_concurrency: u32,
}

impl Terms {
    /// GitHub docs, rate limits for the REST API and for the GraphQL API: an hour, 100 requests at once, 900 points a minute
    /// for an endpoint, 2,000 for GraphQL. That the address should keep to the same 100 is our caution (hub4j/github-api#1728).
    pub const GITHUB: Self = Self {
        window: TimeDelta::hours(1),
        aligned: false,
        concurrency: 100,
        points_a_minute: 900,
        graphql_points_a_minute: 2_000,
        at_once_percent: 50,
        address_concurrency: 100,
    };

    /// Two ends of windows closer together than this are the same window: a host's idea of it flickers between answers
    /// (badges/shields#4590).
    pub(super) fn same_window(&self) -> TimeDelta {
        (self.window / 4).min(TimeDelta::seconds(5))
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self::GITHUB
    }
}
