CREATE TABLE workers (
    id uuid PRIMARY KEY,
    hostname text NOT NULL,
    started_at timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL
);
COMMENT ON TABLE workers IS 'A process that works on the queue. Times are the database''s, so that one clock decides who is alive.';

CREATE TABLE buckets (
    key text NOT NULL,
    resource text NOT NULL,
    request_limit bigint CHECK (request_limit >= 0),
    remaining bigint CHECK (remaining >= 0),
    reset_at timestamptz,
    backoff_until timestamptz,
    backoff_reason text,
    PRIMARY KEY (key, resource),
    CONSTRAINT buckets_reading_check CHECK ((request_limit IS NULL) = (remaining IS NULL)),
    CONSTRAINT buckets_backoff_check CHECK ((backoff_until IS NULL) = (backoff_reason IS NULL))
);
COMMENT ON TABLE buckets IS 'What all workers together know of a quota bucket. It belongs to no tenant, because a host counts a user''s requests whoever sends them.';
COMMENT ON COLUMN buckets.reset_at IS 'End of the window that remaining is about; nothing while no answer has told of the new window.';

CREATE TABLE bucket_shares (
    key text NOT NULL,
    resource text NOT NULL,
    worker_id uuid NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    granted bigint NOT NULL CHECK (granted >= 0),
    PRIMARY KEY (key, resource, worker_id),
    FOREIGN KEY (key, resource) REFERENCES buckets (key, resource)
);
COMMENT ON TABLE bucket_shares IS 'What a worker may still spend of a bucket without asking again. A share outlives its window and ends with its worker.';
