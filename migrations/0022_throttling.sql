-- What each budget did, minute by minute. Like the buckets these tables belong to no tenant: a host counts whoever asks, and pages
-- ask for the buckets of their own tenant's credentials alone.
CREATE TABLE bucket_minutes (
    key text NOT NULL,
    resource text NOT NULL,
    minute timestamptz NOT NULL,
    request_count bigint NOT NULL DEFAULT 0 CHECK (request_count >= 0),
    refused_count bigint NOT NULL DEFAULT 0 CHECK (refused_count >= 0),
    wait_count bigint NOT NULL DEFAULT 0 CHECK (wait_count >= 0),
    others_spent bigint NOT NULL DEFAULT 0 CHECK (others_spent >= 0),
    request_limit bigint CHECK (request_limit >= 0),
    remaining bigint CHECK (remaining >= 0),
    reset_at timestamptz,
    PRIMARY KEY (key, resource, minute),
    CONSTRAINT bucket_minutes_reading_check CHECK ((request_limit IS NULL) = (remaining IS NULL))
);
CREATE INDEX bucket_minutes_minute ON bucket_minutes (minute);
COMMENT ON TABLE bucket_minutes IS 'What all workers together did with a budget in a minute, and how it stood at the minute''s end. Kept for a day.';
COMMENT ON COLUMN bucket_minutes.wait_count IS 'Requests that began to wait because this budget, and every other that they might use, was spent.';
COMMENT ON COLUMN bucket_minutes.others_spent IS 'What somebody else had spent by then of the window that was running, at least.';

CREATE TABLE bucket_hours (
    key text NOT NULL,
    resource text NOT NULL,
    hour timestamptz NOT NULL,
    request_count bigint NOT NULL CHECK (request_count >= 0),
    refused_count bigint NOT NULL CHECK (refused_count >= 0),
    wait_count bigint NOT NULL CHECK (wait_count >= 0),
    others_spent bigint NOT NULL CHECK (others_spent >= 0),
    request_limit bigint CHECK (request_limit >= 0),
    remaining bigint CHECK (remaining >= 0),
    reset_at timestamptz,
    PRIMARY KEY (key, resource, hour),
    CONSTRAINT bucket_hours_reading_check CHECK ((request_limit IS NULL) = (remaining IS NULL))
);
CREATE INDEX bucket_hours_hour ON bucket_hours (hour);
COMMENT ON TABLE bucket_hours IS 'The minutes of an hour together. Kept for 90 days.';
COMMENT ON COLUMN bucket_hours.others_spent IS 'What somebody else spent in the hour, at least.';
COMMENT ON COLUMN bucket_hours.remaining IS 'The least that was left at the end of a minute.';

CREATE TABLE bucket_events (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    resource text NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('spent', 'backed_off', 'refused')),
    until timestamptz,
    reason text,
    CONSTRAINT bucket_events_reason_check CHECK ((kind = 'spent') = (reason IS NULL))
);
CREATE INDEX bucket_events_newest ON bucket_events (key, at DESC);
CREATE INDEX bucket_events_at ON bucket_events (at);
-- Several workers see the end of one window.
CREATE UNIQUE INDEX bucket_events_spent_key ON bucket_events (key, resource, until) WHERE kind = 'spent';
COMMENT ON TABLE bucket_events IS 'When a budget was spent, its host asked to slow down, or refused. Kept for 90 days.';

CREATE TABLE spendings (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    resource text NOT NULL,
    minute timestamptz NOT NULL,
    request_count bigint NOT NULL CHECK (request_count >= 0),
    PRIMARY KEY (tenant_id, run_id, credential_id, resource, minute),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES credentials (tenant_id, id)
);
CREATE INDEX spendings_minute ON spendings (tenant_id, minute) INCLUDE (run_id, credential_id, resource, request_count);
COMMENT ON TABLE spendings IS 'Who of a tenant spent what of its credentials in a minute. Kept for a day.';
SELECT holdfast_isolate('spendings');

CREATE INDEX run_events_waits ON run_events (tenant_id, at DESC) WHERE tone = 'wait';

CREATE TABLE spending_hours (
    tenant_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    resource text NOT NULL,
    hour timestamptz NOT NULL,
    request_count bigint NOT NULL CHECK (request_count >= 0),
    PRIMARY KEY (tenant_id, credential_id, resource, hour),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES credentials (tenant_id, id)
);
COMMENT ON TABLE spending_hours IS 'What a tenant spent of each of its credentials in an hour. Kept for 90 days.';
SELECT holdfast_isolate('spending_hours');

ALTER TABLE choices ADD COLUMN request_limit bigint CHECK (request_limit >= 0);
COMMENT ON COLUMN choices.request_limit IS 'What a whole window of the chosen one holds, if that was known.';
CREATE INDEX choices_newest ON choices (tenant_id, chosen_at DESC, id DESC);
