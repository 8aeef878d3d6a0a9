ALTER TABLE storages
    ADD COLUMN check_requested_at timestamptz,
    ADD COLUMN checked_at timestamptz,
    ADD COLUMN check_cause text,
    ADD CONSTRAINT storages_check_check CHECK (check_cause IS NULL OR checked_at IS NOT NULL);
CREATE INDEX storages_to_check ON storages (tenant_id, check_requested_at) WHERE check_requested_at IS NOT NULL;
COMMENT ON COLUMN storages.check_requested_at IS 'A worker is asked to try the storage; nothing once it has.';
COMMENT ON COLUMN storages.check_cause IS 'Why the last trial failed; nothing if it did not.';
