ALTER TABLE runs
    ADD COLUMN requested_by text,
    ADD COLUMN retry_of uuid,
    ADD COLUMN follow jsonb,
    ADD COLUMN summary jsonb,
    ADD CONSTRAINT runs_retry_fkey FOREIGN KEY (tenant_id, retry_of) REFERENCES runs (tenant_id, id);
COMMENT ON COLUMN runs.requested_by IS 'The name of whoever asked for it, as it was then.';
COMMENT ON COLUMN runs.retry_of IS 'The run whose repositories that failed or lack something this one is limited to.';
COMMENT ON COLUMN runs.follow IS 'The whole run that was asked for while this limited one was under way: it begins when this one ends.';
COMMENT ON COLUMN runs.summary IS 'What an ended run came to, so that lists need not count its fetches again.';

DROP INDEX runs_newest;
CREATE INDEX runs_page ON runs (tenant_id, requested_at DESC, id DESC);
CREATE INDEX runs_page_state ON runs (tenant_id, state, requested_at DESC, id DESC);
CREATE INDEX runs_page_plan ON runs (tenant_id, plan_id, requested_at DESC, id DESC);
CREATE INDEX runs_retry ON runs (tenant_id, retry_of) WHERE retry_of IS NOT NULL;

-- What asks for attention stands first on a run's page.
ALTER TABLE fetches
    ADD COLUMN urgency smallint NOT NULL GENERATED ALWAYS AS (
        CASE state
            WHEN 'failed' THEN 0
            WHEN 'running' THEN 1
            WHEN 'throttled' THEN 2
            WHEN 'complete_with_omissions' THEN 3
            WHEN 'queued' THEN 4
            WHEN 'complete' THEN 5
            WHEN 'cancelled' THEN 6
            ELSE 7
        END
    ) STORED;
CREATE INDEX fetches_page ON fetches (tenant_id, run_id, urgency, id);
CREATE INDEX fetches_tally ON fetches (tenant_id, run_id, state) INCLUDE (bytes_added);

CREATE INDEX snapshots_page ON snapshots (tenant_id, taken_at DESC, id DESC) WHERE forgotten_at IS NULL;
CREATE INDEX snapshots_organization ON snapshots (tenant_id, organization_id, taken_at DESC, id DESC)
WHERE forgotten_at IS NULL;
CREATE INDEX snapshots_run ON snapshots (tenant_id, run_id);

CREATE TABLE run_events (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    tone text NOT NULL CHECK (tone IN ('plain', 'good', 'wait', 'warn', 'bad')),
    sentence text NOT NULL,
    once text,
    PRIMARY KEY (tenant_id, run_id, number),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id)
);
CREATE UNIQUE INDEX run_events_once_key ON run_events (tenant_id, run_id, once) WHERE once IS NOT NULL;
COMMENT ON TABLE run_events IS 'What happened in a run, in sentences, in the transaction in which it happened.';
COMMENT ON COLUMN run_events.once IS 'What many fetches would say at the same time is said once.';
SELECT holdfast_isolate('run_events');
REVOKE UPDATE, DELETE ON run_events FROM holdfast_tenant;

-- Runs from before have no log but its first and its last line, and no name of who asked.
INSERT INTO run_events (tenant_id, run_id, at, tone, sentence)
SELECT
    tenant_id,
    id,
    requested_at,
    'plain',
    CASE trigger WHEN 'person' THEN 'Asked for.' ELSE 'Asked for by the plan''s schedule.' END
FROM runs
ORDER BY requested_at;
INSERT INTO run_events (tenant_id, run_id, at, tone, sentence)
SELECT
    tenant_id,
    id,
    ended_at,
    CASE state WHEN 'failed' THEN 'bad' WHEN 'complete_with_omissions' THEN 'warn' ELSE 'plain' END,
    'Ended: ' || replace(state, '_', ' ') || '.'
FROM runs
WHERE ended_at IS NOT NULL
ORDER BY ended_at;
