ALTER TABLE storages
    ADD COLUMN revision integer NOT NULL DEFAULT 1,
    ADD COLUMN removed_at timestamptz,
    DROP CONSTRAINT storages_name_key;
CREATE UNIQUE INDEX storages_name_key ON storages (tenant_id, name) WHERE removed_at IS NULL;
COMMENT ON COLUMN storages.revision IS 'Grows with each change of where it is or what opens it.';
COMMENT ON COLUMN storages.removed_at IS 'Plans that were removed with it still name it; nothing else does.';
