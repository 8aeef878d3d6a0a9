CREATE TABLE runs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    plan_id uuid NOT NULL,
    trigger text NOT NULL CHECK (trigger IN ('person', 'schedule')),
    due_at timestamptz,
    state text NOT NULL CHECK (
        state IN ('queued', 'running', 'throttled', 'complete', 'complete_with_omissions', 'failed', 'cancelled')
    ),
    cause text,
    requested_at timestamptz NOT NULL,
    started_at timestamptz,
    listed_at timestamptz,
    ended_at timestamptz,
    not_before timestamptz,
    window_ends_at timestamptz,
    cancel_requested_at timestamptz,
    failed_count integer NOT NULL DEFAULT 0 CHECK (failed_count >= 0),
    worker_id uuid,
    fence bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id),
    CONSTRAINT runs_due_check CHECK ((trigger = 'schedule') = (due_at IS NOT NULL)),
    CONSTRAINT runs_worker_check CHECK (worker_id IS NULL OR (state = 'running' AND listed_at IS NULL)),
    CONSTRAINT runs_end_check CHECK ((ended_at IS NULL) = (state IN ('queued', 'running', 'throttled')))
);
CREATE UNIQUE INDEX runs_one_open_key ON runs (tenant_id, plan_id) WHERE ended_at IS NULL;
CREATE INDEX runs_newest ON runs (tenant_id, requested_at DESC);
COMMENT ON TABLE runs IS 'One execution of a plan; it consists of fetches.';
COMMENT ON COLUMN runs.listed_at IS 'From here on an open run''s state follows from its fetches: the column says running.';
COMMENT ON COLUMN runs.worker_id IS 'Who lists the organization at this moment.';
COMMENT ON COLUMN runs.not_before IS 'When a queued or throttled run may be claimed; a throttled one without it is parked.';
COMMENT ON COLUMN runs.failed_count IS 'How often its listing has failed for a passing reason.';
COMMENT ON COLUMN runs.window_ends_at IS 'From here on no fetch begins; the plan''s next firing or a person opens the run again.';
SELECT holdfast_isolate('runs');

CREATE TABLE snapshots (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    storage_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    run_id uuid NOT NULL,
    restic_id text NOT NULL CHECK (restic_id ~ '^[0-9a-f]{64}$'),
    tree text NOT NULL,
    manifest_sha256 text NOT NULL,
    taken_at timestamptz NOT NULL,
    bytes_total bigint NOT NULL CHECK (bytes_total >= 0),
    bytes_added bigint NOT NULL CHECK (bytes_added >= 0),
    counts jsonb NOT NULL,
    omissions jsonb NOT NULL,
    verified_at timestamptz,
    forgotten_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, organization_id, storage_id)
        REFERENCES storage_repositories (tenant_id, organization_id, storage_id),
    FOREIGN KEY (tenant_id, repository_id) REFERENCES repositories (tenant_id, id),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id),
    CONSTRAINT snapshots_restic_key UNIQUE (tenant_id, organization_id, storage_id, restic_id)
);
CREATE INDEX snapshots_repository ON snapshots (tenant_id, repository_id, taken_at DESC);
CREATE INDEX snapshots_prefix ON snapshots (tenant_id, restic_id text_pattern_ops);
COMMENT ON TABLE snapshots IS 'One repository''s state at one time, in a storage. A forgotten one keeps its row as history.';
SELECT holdfast_isolate('snapshots');

CREATE TABLE plan_states (
    tenant_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    snapshot_id uuid NOT NULL,
    marks jsonb NOT NULL,
    wiki text,
    swept_at timestamptz,
    fetched_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, plan_id, repository_id),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id),
    FOREIGN KEY (tenant_id, repository_id) REFERENCES repositories (tenant_id, id),
    FOREIGN KEY (tenant_id, snapshot_id) REFERENCES snapshots (tenant_id, id)
);
COMMENT ON TABLE plan_states IS 'What a plan''s last successful fetch of a repository left behind: its snapshot, and the marks by which the next run sees whether anything changed.';
SELECT holdfast_isolate('plan_states');

CREATE TABLE fetches (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    state text NOT NULL CHECK (
        state IN (
            'queued', 'running', 'throttled',
            'complete', 'complete_with_omissions', 'unchanged', 'failed', 'cancelled'
        )
    ),
    sweep boolean NOT NULL,
    not_before timestamptz,
    failed_count integer NOT NULL DEFAULT 0 CHECK (failed_count >= 0),
    worker_id uuid,
    fence bigint NOT NULL DEFAULT 0,
    progress jsonb NOT NULL DEFAULT '{}',
    cause text,
    omissions jsonb NOT NULL DEFAULT '[]',
    snapshot_id uuid,
    bytes_added bigint NOT NULL DEFAULT 0 CHECK (bytes_added >= 0),
    started_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fetches_once_key UNIQUE (tenant_id, run_id, repository_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id),
    FOREIGN KEY (tenant_id, repository_id) REFERENCES repositories (tenant_id, id),
    FOREIGN KEY (tenant_id, snapshot_id) REFERENCES snapshots (tenant_id, id),
    CONSTRAINT fetches_worker_check CHECK ((worker_id IS NOT NULL) = (state = 'running')),
    CONSTRAINT fetches_end_check CHECK ((ended_at IS NULL) = (state IN ('queued', 'running', 'throttled')))
);
CREATE INDEX fetches_open ON fetches (tenant_id, run_id, id) WHERE ended_at IS NULL;
CREATE INDEX fetches_running ON fetches (tenant_id, plan_id, worker_id) WHERE state = 'running';
COMMENT ON TABLE fetches IS 'One repository''s part of a run: the queue. A worker claims a row, which raises its fence, and settles it with that fence or not at all.';
COMMENT ON COLUMN fetches.failed_count IS 'How often it has failed for a passing reason.';
COMMENT ON COLUMN fetches.not_before IS 'When a queued or throttled fetch may be claimed; a throttled one without it is parked.';
SELECT holdfast_isolate('fetches');

CREATE TABLE usages (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    fetch_id uuid,
    credential_id uuid NOT NULL,
    request_count bigint NOT NULL CHECK (request_count >= 0),
    refused_count bigint NOT NULL CHECK (refused_count >= 0),
    not_modified_count bigint NOT NULL CHECK (not_modified_count >= 0),
    point_count bigint NOT NULL CHECK (point_count >= 0),
    CONSTRAINT usages_key UNIQUE NULLS NOT DISTINCT (tenant_id, run_id, fetch_id, credential_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id),
    FOREIGN KEY (tenant_id, fetch_id) REFERENCES fetches (tenant_id, id),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES credentials (tenant_id, id)
);
COMMENT ON TABLE usages IS 'What a fetch, or without one the listing of a run, has spent of each credential.';
SELECT holdfast_isolate('usages');

CREATE TABLE throttles (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    fetch_id uuid,
    began_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id),
    FOREIGN KEY (tenant_id, fetch_id) REFERENCES fetches (tenant_id, id),
    CONSTRAINT throttles_order_check CHECK (began_at <= ends_at)
);
CREATE INDEX throttles_run ON throttles (tenant_id, run_id);
COMMENT ON TABLE throttles IS 'A time in which part of a run waited for quota. Times of several fetches overlap.';
SELECT holdfast_isolate('throttles');

CREATE TABLE choices (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    fetch_id uuid,
    chosen_at timestamptz NOT NULL,
    credential_id uuid NOT NULL,
    resource text NOT NULL,
    remaining bigint NOT NULL CHECK (remaining >= 0),
    reset_at timestamptz,
    runners_up jsonb NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id),
    FOREIGN KEY (tenant_id, fetch_id) REFERENCES fetches (tenant_id, id),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES credentials (tenant_id, id)
);
CREATE INDEX choices_run ON choices (tenant_id, run_id, chosen_at);
COMMENT ON TABLE choices IS 'Why a fetch went on with one credential and not with another.';
SELECT holdfast_isolate('choices');
