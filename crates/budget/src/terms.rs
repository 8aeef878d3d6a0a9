//! What a host publishes of how it limits its clients: known beforehand, where quota is only known from answers.

use chrono::TimeDelta;
use domain::{ForgeKind, Host};

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
    /// The same for those endpoints where it is fewer.
    pub slower: &'static [(&'static str, u32)],
    /// The same for GraphQL.
    pub graphql_points_a_minute: u32,
    /// The part of a minute's points that may leave at once, in percent; the rest is spaced evenly. Where all requests share one
    /// pace, whoever comes late would find everything taken by a burst, so there it is 0.
    pub at_once_percent: u8,
    /// Requests that may be under way from all buckets together: the host sees one address.
    pub address_concurrency: u32,
    /// Requests that may arrive a minute from all buckets together, which no other credential changes; nothing where that is not
    /// limited.
    pub address_a_minute: Option<u32>,
}

impl Terms {
    /// GitHub docs, rate limits for the REST API and for the GraphQL API: an hour, 100 requests at once, 900 points a minute
    /// for an endpoint, 2,000 for GraphQL. That the address should keep to the same 100 is our caution (hub4j/github-api#1728).
    pub const GITHUB: Self = Self {
        window: TimeDelta::hours(1),
        aligned: false,
        concurrency: 100,
        points_a_minute: 900,
        slower: &[],
        graphql_points_a_minute: 2_000,
        at_once_percent: 50,
        address_concurrency: 100,
        address_a_minute: None,
    };

    /// A GitLab whose administrator chose the limits, or none: windows at multiples of their length, as `Retry-After` counts them,
    /// which answers tell where there are any. A thousand points a second are more than one client asks; what is met is kept to.
    /// That no more than so many requests are under way is our caution: its own default serves a few dozen at once.
    ///
    /// <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>
    pub const GITLAB: Self = Self {
        window: TimeDelta::minutes(1),
        aligned: true,
        concurrency: 50,
        points_a_minute: 60_000,
        slower: &[],
        graphql_points_a_minute: 60_000,
        at_once_percent: 50,
        address_concurrency: 100,
        address_a_minute: None,
    };

    /// gitlab.com: 2,000 requests a minute of one user and as many of one address, and fewer for some endpoints, which no header
    /// tells. Those of ten minutes are taken as a tenth a minute.
    ///
    /// <https://docs.gitlab.com/user/gitlab_com/rate_limits/>
    pub const GITLAB_COM: Self = Self {
        points_a_minute: 2_000,
        slower: &[
            // 2,000 in ten minutes.
            ("projects", 200),
            ("projects/:id", 400),
            ("groups", 50),
            ("groups/:id", 400),
            ("groups/:id/projects", 600),
            ("groups/:id/members/all", 200),
            // 300 in ten minutes.
            ("users", 30),
            ("POST notes", 60),
            ("POST issues", 200),
        ],
        graphql_points_a_minute: 2_000,
        address_a_minute: Some(2_000),
        ..Self::GITLAB
    };

    /// What a host publishes, or is known to do.
    pub fn of(host: &Host) -> Self {
        match host.kind() {
            ForgeKind::GitHub => Self::GITHUB,
            ForgeKind::GitLab if host.is_vendors() => Self::GITLAB_COM,
            ForgeKind::GitLab => Self::GITLAB,
        }
    }

    /// Points that an endpoint may be asked for a minute.
    pub fn pace(&self, endpoint: &str, is_graphql: bool) -> u32 {
        let all = if is_graphql {
            self.graphql_points_a_minute
        } else {
            self.points_a_minute
        };
        let slower = self.slower.iter().find(|(name, _)| *name == endpoint);
        slower.map_or(all, |(_, points)| all.min(*points))
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host::parse(ForgeKind::GitLab, name, &[]).unwrap()
    }

    #[test]
    fn limits_are_assumed_of_gitlab_com_alone() {
        let own = Terms::of(&host("git.acme.test"));
        assert_eq!(own.pace("groups", false), own.pace("labels", false));
        assert_eq!(own.address_a_minute, None);
        let vendors = Terms::of(&host("gitlab.com"));
        assert_eq!(vendors.pace("groups", false), 50);
        assert_eq!(vendors.pace("labels", false), 2_000);
        assert_eq!(vendors.address_a_minute, Some(2_000));
    }
}
