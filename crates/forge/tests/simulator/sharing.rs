//! Two processes, one bucket: a table between them, and the host never refuses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use domain::exchange::{Exchange, Grant};
use domain::{BucketKey, Clock, CredentialId, Kind, Reading, Resource, Secret};
use forge::{Error, Forge, Pool, Scope, Sharing};
use forge_sim::RepositoryRecipe;
use tokio_util::sync::CancellationToken;

use crate::world::{World, acme, forge, member, read, user};

#[derive(Default)]
struct Row {
    reading: Option<Reading>,
    shares: BTreeMap<usize, u32>,
}

#[derive(Clone, Default)]
struct Table(Arc<Mutex<BTreeMap<(BucketKey, Resource), Row>>>);

impl Table {
    fn exchange(&self, process: usize, exchange: &Exchange) -> Grant {
        let mut rows = self.0.lock().unwrap();
        let row = rows
            .entry((exchange.key.clone(), exchange.resource.clone()))
            .or_default();
        row.reading = match (row.reading, exchange.reading) {
            (Some(known), Some(told))
                if (known.reset_at - told.reset_at).abs() <= TimeDelta::seconds(5) =>
            {
                Some(Reading {
                    remaining: known.remaining.min(told.remaining),
                    ..known
                })
            }
            (Some(known), Some(told)) if known.reset_at > told.reset_at => Some(known),
            (known, told) => told.or(known),
        };
        let share = row.shares.entry(process).or_default();
        *share = if exchange.returned {
            0
        } else {
            share.saturating_sub(exchange.spent)
        };
        let held: u32 = row.shares.values().sum();
        let left = row.reading.map_or(0, |reading| reading.remaining);
        let granted = exchange.want.min(left.saturating_sub(held));
        *row.shares.entry(process).or_default() += granted;
        Grant {
            key: exchange.key.clone(),
            resource: exchange.resource.clone(),
            granted,
            reading: row.reading,
            backoff: exchange.backoff.clone(),
            sharers: 1,
            others: None,
        }
    }
}

struct Process {
    pool: Pool,
    forge: Forge,
}

/// A process with its own pool and a courier that carries its exchanges to the table.
async fn process(world: &World, table: &Table, number: usize, id: CredentialId) -> Process {
    // Exchanges take time, and nothing moves a clock by hand here.
    let clock = Clock::system();
    let pool = Pool::new(clock.clone(), Sharing::Shared);
    let bucket = world.pool.members().remove(0).bucket;
    let token = Secret::new(world.control().token("ann").unwrap());
    pool.insert(member(id, "ann", bucket, token));
    let forge = forge(&pool, &clock);
    forge.refresh(&world.host, id).await.unwrap();
    let (courier, table) = (pool.clone(), table.clone());
    tokio::spawn(async move {
        loop {
            courier.exchange_wanted().await;
            let grants = courier
                .take_exchange()
                .iter()
                .map(|exchange| table.exchange(number, exchange))
                .collect();
            courier.apply(grants);
        }
    });
    Process { pool, forge }
}

#[tokio::test]
async fn two_processes_share_a_bucket_to_the_last_request() {
    let recipe = RepositoryRecipe {
        issues: 300,
        ..RepositoryRecipe::tiny("web")
    };
    let world = World::new(acme(vec![recipe]).with_user(user("ann", 60))).await;
    let repository = world.repository("web").await;
    let table = Table::default();
    let mut work = Vec::new();
    let mut processes = Vec::new();
    for number in 0..2 {
        let process = process(&world, &table, number, world.ids[0]).await;
        for _ in 0..3 {
            let scope = Scope {
                credentials: world.ids.clone(),
                repository: Some(repository.id),
                patience: Duration::from_secs(5),
                cancel: CancellationToken::new(),
            };
            let client = process.forge.session(&world.host, scope);
            let repository = repository.clone();
            work.push(tokio::spawn(async move {
                loop {
                    if let Err(error) = read(&client, Kind::Issues, &repository).await {
                        return error;
                    }
                }
            }));
        }
        processes.push(process);
    }
    for session in work {
        let ended = session.await.unwrap();
        assert!(matches!(ended, Error::Throttled { .. }), "{ended}");
    }
    let statistics = world.control().statistics();
    assert_eq!(statistics.refused, 0);
    // One request of sixty told who ann is.
    assert_eq!(world.control().counters("ann").unwrap().core.used, 60);
    for process in processes {
        assert!(
            process
                .pool
                .return_shares()
                .iter()
                .all(|exchange| exchange.want == 0 && exchange.returned)
        );
    }
}
