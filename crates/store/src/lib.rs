//! All SQL of Holdfast: what is known of tenants, their organizations, plans and runs, and the queue that workers share.
//!
//! Refuses to speak HTTP, to know a forge or a storage, and to run a query about a tenant outside that tenant's scope.
//! Start reading at [`Db`], then [`Scoped`] (everything that belongs to one tenant) and [`Fleet`] (the few things that
//! cross tenants: the queue, workers, quota). The queue is in `queue`, the schema in `migrations/`.
//!
//! Invariants:
//! - a statement about a tenant runs in a transaction under the role `holdfast_tenant` with that tenant set, so that
//!   row-level security holds even when a query forgets its tenant;
//! - an intent and the notification about it are one transaction;
//! - a claim raises the fence of what it claims, and only the holder of the newest fence can settle;
//! - a plan has at most one open run, and a run ends in the transaction that settles its last fetch;
//! - shares of a quota bucket never add up to more than what the host says is left, less the reserve;
//! - a change and its entry in the audit log are one transaction, and no entry is ever changed;
//! - a tenant always has an owner;
//! - a secret is stored sealed with its tenant's key, which is stored wrapped by a master key that is not in the database;
//! - whether a worker is alive is decided by the database's clock, everything else by [`domain::Clock`].
//!
//! The queries are checked against the schema when the crate is built, from what `.sqlx` in the workspace root says of
//! it, whatever `DATABASE_URL` says. After a change of a query or a migration `.sqlx` is renewed: with `DATABASE_URL` set
//! to a migrated database and `SQLX_OFFLINE_DIR` to an empty folder, touch this file, run `cargo check -p store`, and put
//! the folder in the place of `.sqlx`.
#![warn(missing_docs)]

mod alerts;
mod applications;
mod audit;
mod authorizations;
mod bell;
mod checks;
mod credentials;
mod db;
mod decode;
mod drafts;
mod error;
mod fetches;
mod forecasts;
mod history;
mod host_settings;
mod installation_requests;
mod lease;
mod members;
mod messages;
mod organizations;
mod people;
mod plan_states;
mod plans;
mod pool;
mod queue;
mod quota;
mod repositories;
mod runs;
#[cfg(test)]
mod samples;
mod schedule;
mod seal;
mod search;
mod secrets;
mod snapshots;
mod storages;
mod tenants;
mod throttling;
mod usages;
mod workers;

pub use alerts::{
    Alert, AlertMessage, Channel, ChannelSecret, ClaimedDelivery, Heard, NewChannel, Round,
};
pub use applications::{
    Application, ApplicationKeys, ApplicationState, Conversion, Looked, NewApplication,
};
pub use audit::{Act, Actor, AuditEntry, AuditFilter, AuditPlace, AuditWords};
pub use authorizations::{Authorized, Brought, NewAuthorization, brought};
pub use bell::Bell;
pub use checks::{Accepted, Check, ClaimedCheck, NewCheck, Seen};
pub use credentials::{Credential, Installation, Leftover, NewCredential, Source, TokenSource};
pub use db::{Db, Fleet, MIGRATOR, Scoped};
pub use drafts::{Draft, PlanSettings};
pub use error::Error;
pub use fetches::{
    FetchFilter, FetchKind, FetchPage, FetchPlace, FetchSize, FetchView, NewFetch, by_urgency,
};
pub use forecasts::{Expected, Forecast, ForecastRow, OpenFetch, OpenWork, RepositoryCost};
pub use history::{BucketEvent, BucketEventKind, BucketPast, PastPoint, Span, SpendingRow};
pub use installation_requests::{InstallationRequest, NewInstallationRequest, OpenRequest};
pub use lease::{LeaseMode, StorageLease};
pub use members::{Invitation, Member, NewInvitation};
pub use organizations::{
    Account, NewOrganization, Organization, Removal, RemovalEffects, Tile, TileCredential,
    TilePlan, TileRun,
};
pub use people::{
    Attempts, Invited, Membership, NewPerson, NewSession, People, Person, Session, SignIn,
    TenantOverview, Totp, Viewer,
};
pub use plan_states::PlanState;
pub use plans::{LastRun, NewPlan, Plan, PlanChange, PlanOverview, PlanPlace, PoolSize};
pub use pool::{PoolMember, Quota};
pub use queue::{ClaimedFetch, ClaimedRun, HeldFetch, Settlement, Stored};
pub use quota::{BucketRow, CoreQuota};
pub use repositories::{KnownRepository, ListedRepository};
pub use runs::{
    LogLine, RunFilter, RunGroup, RunPage, RunPicture, RunPlace, RunRow, RunView, Tone, Trigger,
    Wait,
};
pub use seal::{Resealed, Sealer};
pub use search::{Found, Hit};
pub use secrets::{Entry, EntryUser, NewEntry, SecretKind};
pub use snapshots::{
    Snapshot, SnapshotFilter, SnapshotPage, SnapshotPlace, SnapshotQuery, SnapshotRow,
};
pub use storages::{
    Emergency, NewStorage, Storage, StorageCheck, StorageEdit, StorageRepository, StorageShelf,
};
pub use tenants::Tenant;
pub use throttling::{
    Budget, ChoiceView, PoolCredential, RunnerUp, Spender, ThrottleEvent, Throttling,
};
pub use usages::{ChoiceRow, RunCredential, UsageRow, Work};
pub use workers::{WORKER_SILENCE, Worker};
