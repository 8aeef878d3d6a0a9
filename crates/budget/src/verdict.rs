//! What is asked of the ledger, what it answers, and what it is told afterwards.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Reading, Resource};

use super::Offer;

/// One request that wants to leave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Demand {
    /// The budget that it draws on; nothing for requests that are free of charge.
    pub resource: Option<Resource>,
    /// What it is expected to cost there.
    pub points: u32,
    /// Which endpoint it goes to: hosts limit the pace of each.
    pub endpoint: &'static str,
}

impl Demand {
    /// A request to the REST API: one point.
    pub fn rest(endpoint: &'static str) -> Self {
        Self {
            resource: Some(Resource::core()),
            points: 1,
            endpoint,
        }
    }

    /// A GraphQL query of an estimated cost.
    pub fn graphql(points: u32) -> Self {
        Self {
            resource: Some(Resource::graphql()),
            points,
            endpoint: "graphql",
        }
    }

    /// A request that is free of charge, but not of manners.
    pub fn free(endpoint: &'static str) -> Self {
        Self {
            resource: None,
            points: 0,
            endpoint,
        }
    }
}

/// Whether a bucket may take a request now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Ready(Offer),
    /// It may not.
    Held(Hold),
}

/// Why a bucket may not take a request, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub why: Why,
    /// When to look again; nothing where only a settlement or a grant can help.
    pub until: Option<DateTime<Utc>>,
    /// What is left to spend, if that is known.
    pub remaining: Option<u32>,
}

impl Hold {
    /// What is said of a bucket that was never opened.
    pub(super) fn unknown() -> Self {
        Self {
            why: Why::Unproven,
            until: None,
            remaining: None,
        }
    }
}

/// Why a bucket may not take a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Nothing is left in this window above the reserve.
    Empty,
    /// The host asked the bucket to slow down.
    BackingOff(String),
    /// The host asked several buckets to slow down: it means the address, not the buckets.
    HostBackingOff(String),
    /// As many requests as it may have are under way.
    Busy,
    /// As many requests as the host may have from all buckets together are under way.
    HostBusy,
    /// The endpoint has had its points of this minute.
    Pace,
    /// The host has had from our address what it takes in a minute, whoever asks: another credential does not help.
    AddressPace,
    /// Nothing is known of it yet, and one request is already finding out.
    Unproven,
    /// Other processes hold what is left.
    NoShare,
    /// More shares are being drawn.
    Drawing,
    /// Its token was refused, and another one is being fetched.
    Renewing,
    /// Nobody can be asked for shares at the moment; this says nothing about the quota.
    CutOff,
    /// What is left of the window is kept for newcomers: the plan outlasts the window in any case.
    Kept,
    /// The plan has had as much of it as it may take.
    Limited,
}

impl Why {
    /// Whether waiting for it means that the quota, and not the traffic of the moment, is the limit.
    pub fn is_throttle(&self) -> bool {
        match self {
            Self::Empty
            | Self::BackingOff(_)
            | Self::HostBackingOff(_)
            | Self::NoShare
            | Self::Kept
            | Self::Limited => true,
            Self::Busy
            | Self::HostBusy
            | Self::Pace
            | Self::AddressPace
            | Self::Unproven
            | Self::Drawing
            | Self::Renewing
            | Self::CutOff => false,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("spent in this window"),
            Self::BackingOff(reason) => write!(f, "backing off: {reason}"),
            Self::HostBackingOff(reason) => {
                write!(f, "its host asked everybody to slow down: {reason}")
            }
            Self::Renewing => f.write_str("its token is being renewed"),
            Self::Busy => f.write_str("has as many requests under way as it may"),
            Self::HostBusy => f.write_str("its host has as many requests under way as it may"),
            Self::Pace => f.write_str("the endpoint has had its points of this minute"),
            Self::AddressPace => f.write_str(
                "the host has had this minute's requests of our address; another credential does not help",
            ),
            Self::Unproven => f.write_str("waiting for its first reading"),
            Self::NoShare => f.write_str("other processes hold what is left"),
            Self::Drawing => f.write_str("drawing more of what is left"),
            Self::CutOff => f.write_str("what other processes hold cannot be learnt now"),
            Self::Kept => f.write_str("the rest of this window is kept for newcomers"),
            Self::Limited => f.write_str("the plan has had its part of this window"),
        }
    }
}

/// What came of a leased request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// What it really cost; as leased, if nothing is said.
    pub cost: Option<u32>,
    /// What the answer said of a budget.
    pub reading: Option<(Resource, Reading)>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Settlement {
    /// No answer came: the host may have counted it or not.
    pub fn lost() -> Self {
        Self {
            cost: None,
            reading: None,
            outcome: Outcome::Lost,
        }
    }
}

/// How a leased request ended, as far as the ledger is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The host answered, well or badly, and did not speak of limits.
    Served,
    /// The host answered well and does not count requests.
    Uncounted,
    /// The window has nothing left.
    Spent {
        /// When it ends, if the host said so.
        until: Option<DateTime<Utc>>,
    },
    /// One endpoint is full, which says nothing of the others.
    Crowded {
        /// When to ask it again.
        until: DateTime<Utc>,
    },
    /// The host refuses our address, whoever asks.
    ShutOut {
        /// When to try again.
        until: DateTime<Utc>,
        /// What was seen of it.
        reason: String,
    },
    /// The host asked to slow down.
    SlowDown {
        /// For how long, if the host said so.
        retry_after: Option<TimeDelta>,
        /// The host's words.
        reason: String,
    },
    /// No answer came.
    Lost,
}
