ALTER TABLE tenants
    ADD COLUMN weight integer NOT NULL DEFAULT 100 CHECK (weight BETWEEN 1 AND 10000);
COMMENT ON COLUMN tenants.weight IS 'How much of a shared bucket it gets beside others: twice the weight, twice as much.';

ALTER TABLE plans
    ADD COLUMN weight integer NOT NULL DEFAULT 100 CHECK (weight BETWEEN 1 AND 10000),
    ADD COLUMN pool_percent integer NOT NULL DEFAULT 100 CHECK (pool_percent BETWEEN 1 AND 100);
COMMENT ON COLUMN plans.weight IS 'How much it gets beside the tenant''s other plans.';
COMMENT ON COLUMN plans.pool_percent IS 'The part of each bucket''s window that it may take.';

ALTER TABLE buckets
    ADD COLUMN watched_from timestamptz,
    ADD COLUMN watched_left bigint NOT NULL DEFAULT 0 CHECK (watched_left >= 0),
    ADD COLUMN watched_spent bigint NOT NULL DEFAULT 0 CHECK (watched_spent >= 0),
    ADD COLUMN others_spent bigint NOT NULL DEFAULT 0 CHECK (others_spent >= 0),
    ADD COLUMN others_an_hour bigint NOT NULL DEFAULT 0 CHECK (others_an_hour >= 0);
COMMENT ON COLUMN buckets.watched_from IS 'Since when, in the window that is running, what the host has left is compared with what the workers spend.';
COMMENT ON COLUMN buckets.watched_left IS 'What was left then.';
COMMENT ON COLUMN buckets.watched_spent IS 'What the workers have spent since.';
COMMENT ON COLUMN buckets.others_spent IS 'What somebody else has spent since, at least.';
COMMENT ON COLUMN buckets.others_an_hour IS 'The rate at which somebody else spends, remembered from window to window.';
