//! What is left of the hosts' limits, from the database alone: looking costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{BucketKey, Health};
use store::{CoreQuota, Db};

use crate::error::Error;
use crate::text;

/// Width of a strip, in its own units.
const WIDTH: u64 = 1_000;

/// Room between two cells.
const GAP: u64 = 8;

/// What is known of some buckets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quotas {
    known: BTreeMap<BucketKey, CoreQuota>,
    /// Hosts that count no requests.
    unlimited: BTreeSet<String>,
}

impl Quotas {
    /// Looks up what the database knows of these.
    pub(crate) async fn of(db: &Db, buckets: BTreeSet<BucketKey>) -> Result<Self, Error> {
        let keys: Vec<BucketKey> = buckets.into_iter().collect();
        let rows = db.fleet().core_of(&keys).await?;
        Ok(Self {
            known: rows.into_iter().map(|row| (row.key.clone(), row)).collect(),
            unlimited: db.fleet().unlimited_hosts().await?,
        })
    }

    /// Requests left and their limit, if a host has ever told.
    pub(crate) fn left(&self, bucket: &BucketKey) -> Option<(u32, u32)> {
        self.known.get(bucket).and_then(|row| row.left)
    }

    /// Whether the host counts no requests of the bucket.
    pub(crate) fn is_unlimited(&self, bucket: &BucketKey) -> bool {
        self.unlimited.contains(&bucket.host)
    }

    /// When the window ends that is running.
    pub(crate) fn reset_at(&self, bucket: &BucketKey) -> Option<DateTime<Utc>> {
        self.known.get(bucket).and_then(|row| row.reset_at)
    }

    /// Until when the bucket backs off.
    pub(crate) fn backoff(&self, bucket: &BucketKey) -> Option<DateTime<Utc>> {
        self.known
            .get(bucket)
            .and_then(|row| row.backoff.as_ref())
            .map(|(until, _)| *until)
    }
}

/// How a credential is doing, as shape, word and colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) tone: &'static str,
    pub(crate) text: String,
    /// The tone of its gauge.
    pub(crate) gauge: &'static str,
}

impl Standing {
    /// The worst thing first.
    pub(crate) fn of(
        health: &Health,
        bucket: &BucketKey,
        reserve_percent: u8,
        is_used: bool,
        quotas: &Quotas,
    ) -> Self {
        let standing = |tone, text: &str, gauge| Self {
            tone,
            text: text.to_owned(),
            gauge,
        };
        match health {
            Health::Dead { .. } => return standing("bad", "Token rejected", "bad"),
            Health::Paused => return standing("hold", "Paused", "unused"),
            Health::Healthy => {}
        }
        if let Some(until) = quotas.backoff(bucket) {
            let text = format!("Secondary limit until {}", until.format("%H:%M"));
            return standing("warn", &text, "cooling");
        }
        let is_at_reserve = quotas.left(bucket).is_some_and(|(left, limit)| {
            u64::from(left) * 100 <= u64::from(limit) * u64::from(reserve_percent)
        });
        if is_at_reserve {
            return standing("hold", "At its reserve", "reserve");
        }
        if is_used {
            standing("ok", "Ready", "ok")
        } else {
            standing("idle", "Not enabled in a plan", "unused")
        }
    }
}

/// One cell for each bucket: as wide as its limit, filled with what is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Strip {
    pub(crate) cells: Vec<Cell>,
    pub(crate) left: u64,
    pub(crate) limit: u64,
    /// When the first of them begins anew.
    pub(crate) next_reset: Option<DateTime<Utc>>,
}

/// See [`Strip`]; lengths are in thousandths of the strip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) x: u64,
    pub(crate) width: u64,
    pub(crate) fill: u64,
    pub(crate) tone: &'static str,
}

impl Strip {
    /// Two credentials of one user are one cell: a host counts their requests together.
    pub(crate) fn of<'a>(
        credentials: impl IntoIterator<Item = (&'a BucketKey, &'a Standing)>,
        quotas: &Quotas,
    ) -> Self {
        let mut seen = BTreeSet::new();
        let known: Vec<_> = credentials
            .into_iter()
            .filter(|(bucket, _)| seen.insert((*bucket).clone()))
            .filter_map(|(bucket, standing)| {
                let (left, limit) = quotas.left(bucket)?;
                Some((
                    u64::from(left.min(limit)),
                    u64::from(limit),
                    standing.gauge,
                    quotas.reset_at(bucket),
                ))
            })
            .collect();
        Self::lay(&known)
    }

    /// Cells for buckets of which this is known: requests left, their limit, a tone, and when the window ends.
    pub(crate) fn lay(known: &[(u64, u64, &'static str, Option<DateTime<Utc>>)]) -> Self {
        let known: Vec<_> = known.iter().filter(|(_, limit, ..)| *limit > 0).collect();
        let left = known.iter().map(|(left, ..)| left).sum();
        let limit: u64 = known.iter().map(|(_, limit, ..)| limit).sum();
        let count = u64::try_from(known.len()).unwrap_or(1);
        let room = WIDTH.saturating_sub(GAP * count.saturating_sub(1));
        let mut x = 0;
        let mut cells = Vec::with_capacity(known.len());
        let mut next_reset: Option<DateTime<Utc>> = None;
        for &&(left, of, tone, reset_at) in &known {
            let width = room * of / limit.max(1);
            cells.push(Cell {
                x,
                width,
                fill: width * left / of.max(1),
                tone,
            });
            x += width + GAP;
            next_reset = match (next_reset, reset_at) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        Self {
            cells,
            left,
            limit,
            next_reset,
        }
    }

    /// The same in words.
    pub(crate) fn label(&self) -> String {
        format!(
            "{} of {} requests left",
            text::number(self.left),
            text::number(self.limit)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(user: i64) -> BucketKey {
        format!("github.com/user:{user}").parse().unwrap()
    }

    fn quotas(rows: &[(i64, u32, u32)]) -> Quotas {
        let known = rows
            .iter()
            .map(|&(user, left, limit)| {
                let row = CoreQuota {
                    key: bucket(user),
                    left: Some((left, limit)),
                    reset_at: None,
                    backoff: None,
                };
                (bucket(user), row)
            })
            .collect();
        Quotas {
            known,
            ..Quotas::default()
        }
    }

    #[test]
    fn a_strip_counts_two_tokens_of_one_user_once() {
        let quotas = quotas(&[(1, 2_500, 5_000), (2, 0, 15_000)]);
        let ok = Standing::of(&Health::Healthy, &bucket(1), 10, true, &quotas);
        let (one, two, three) = (bucket(1), bucket(2), bucket(3));
        let strip = Strip::of(
            [(&one, &ok), (&one, &ok), (&two, &ok), (&three, &ok)],
            &quotas,
        );
        assert_eq!(strip.label(), "2,500 of 20,000 requests left");
        assert_eq!(strip.cells.len(), 2);
        assert_eq!((strip.cells[0].width, strip.cells[0].fill), (248, 124));
        assert_eq!((strip.cells[1].x, strip.cells[1].fill), (256, 0));
        assert!(strip.cells[1].x + strip.cells[1].width <= WIDTH);
        assert_eq!(Strip::of([], &quotas), Strip::default());
    }

    #[test]
    fn the_worst_thing_is_said() {
        let quotas = quotas(&[(1, 500, 5_000)]);
        let word =
            |health, user, used| Standing::of(&health, &bucket(user), 10, used, &quotas).text;
        let dead = Health::Dead {
            reason: "401".to_owned(),
        };
        assert_eq!(word(dead, 1, true), "Token rejected");
        assert_eq!(word(Health::Paused, 1, true), "Paused");
        assert_eq!(word(Health::Healthy, 1, true), "At its reserve");
        assert_eq!(word(Health::Healthy, 2, true), "Ready");
        assert_eq!(word(Health::Healthy, 2, false), "Not enabled in a plan");
    }
}
