ALTER TABLE usages ADD COLUMN core_count bigint NOT NULL DEFAULT 0 CHECK (core_count >= 0);
COMMENT ON COLUMN usages.core_count IS 'The part of the quota charged that was REST requests: what forecasts are about.';

ALTER TABLE fetches
    ADD COLUMN page_count bigint CHECK (page_count >= 0),
    ADD COLUMN expected_count bigint CHECK (expected_count >= 0);
COMMENT ON COLUMN fetches.page_count IS 'Requests that its work takes by the counts of the host''s list; nothing where nothing is to be read.';
COMMENT ON COLUMN fetches.expected_count IS 'The same as earlier fetches have taught to expect.';

CREATE TABLE repository_costs (
    tenant_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    sweep boolean NOT NULL,
    page_count double precision NOT NULL CHECK (page_count >= 0),
    request_count double precision NOT NULL CHECK (request_count >= 0),
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, plan_id, repository_id, sweep),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id),
    FOREIGN KEY (tenant_id, repository_id) REFERENCES repositories (tenant_id, id)
);
COMMENT ON TABLE repository_costs IS 'What reading a repository took, the last fetches weighing the most: all of it, or what had changed.';
SELECT holdfast_isolate('repository_costs');

CREATE TABLE forecasts (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    made_at timestamptz NOT NULL,
    request_count bigint NOT NULL CHECK (request_count >= 0),
    ends_at timestamptz,
    looked_at timestamptz NOT NULL,
    left_count bigint NOT NULL CHECK (left_count >= 0),
    spent_count bigint NOT NULL CHECK (spent_count >= 0),
    active_s double precision NOT NULL DEFAULT 0 CHECK (active_s >= 0),
    expected_end_at timestamptz,
    PRIMARY KEY (tenant_id, run_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id)
);
COMMENT ON TABLE forecasts IS 'What a run was expected to take when its organization had been listed, and what is expected now.';
COMMENT ON COLUMN forecasts.request_count IS 'Requests that were expected at first, for the whole run.';
COMMENT ON COLUMN forecasts.ends_at IS 'When its end was expected at first.';
COMMENT ON COLUMN forecasts.left_count IS 'Requests that are still expected.';
COMMENT ON COLUMN forecasts.spent_count IS 'Requests that its fetches have been charged for.';
COMMENT ON COLUMN forecasts.expected_end_at IS 'When its end is expected by now.';
SELECT holdfast_isolate('forecasts');
COMMENT ON COLUMN forecasts.active_s IS 'Seconds in which it went on, because there was quota.';
