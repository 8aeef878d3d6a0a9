ALTER TABLE organizations ADD COLUMN removed_at timestamptz;
ALTER TABLE organizations DROP CONSTRAINT organizations_name_key;
CREATE UNIQUE INDEX organizations_name_key ON organizations (tenant_id, name) WHERE removed_at IS NULL;
COMMENT ON COLUMN organizations.removed_at IS 'A removed organization keeps its row, because its snapshots can still be restored; it has no credentials and no run.';
