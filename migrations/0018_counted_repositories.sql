ALTER TABLE repositories ADD COLUMN is_protected boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN repositories.is_protected IS 'Whether a snapshot of it is kept.';
UPDATE repositories r
SET is_protected = true
WHERE EXISTS (
    SELECT
    FROM snapshots s
    WHERE s.tenant_id = r.tenant_id AND s.repository_id = r.id AND s.forgotten_at IS NULL
);
CREATE INDEX repositories_counted ON repositories (tenant_id, organization_id) INCLUDE (is_protected)
WHERE gone_at IS NULL;

-- A search looks at names in this order until it has found enough.
CREATE INDEX repositories_named ON repositories (tenant_id, length(name), (name COLLATE "C"), id) INCLUDE (name, organization_id);
