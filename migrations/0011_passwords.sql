ALTER TABLE secrets
    ADD COLUMN description text NOT NULL DEFAULT '',
    ADD COLUMN last_used_at timestamptz;
COMMENT ON COLUMN secrets.last_used_at IS 'When a host or a storage last took it; noted at most once a minute.';

-- Entries were named after the one credential that used them. Now several may use one, and people read the names.
UPDATE secrets s
SET name = left(c.login || ' on ' || regexp_replace(o.host_url, '^https?://', ''), 80)
    || CASE WHEN c.twin > 1 THEN ' (' || c.twin || ')' ELSE '' END
FROM (
    SELECT
        tenant_id,
        organization_id,
        secret_id,
        login,
        row_number() OVER (
            PARTITION BY tenant_id, left(login, 40)
            ORDER BY created_at, id
        ) AS twin
    FROM credentials
    WHERE secret_id IS NOT NULL
) c
JOIN organizations o ON o.tenant_id = c.tenant_id AND o.id = c.organization_id
WHERE s.tenant_id = c.tenant_id AND s.id = c.secret_id AND s.kind = 'token';

UPDATE secrets s
SET name = left(x.what || ' of the snapshots ' || r.prefix, 100) || ' (' || r.number || ')'
FROM (
    SELECT
        tenant_id,
        prefix,
        password_secret_id,
        master_secret_id,
        row_number() OVER (PARTITION BY tenant_id ORDER BY created_at, storage_id) AS number
    FROM storage_repositories
) r
CROSS JOIN LATERAL (
    VALUES ('Password', r.password_secret_id), ('Key', r.master_secret_id)
) AS x (what, secret_id)
WHERE s.tenant_id = r.tenant_id AND s.id = x.secret_id;

ALTER TABLE credentials ADD COLUMN checked_at timestamptz;
COMMENT ON COLUMN credentials.checked_at IS 'When the host was last asked about it on purpose.';
CREATE INDEX credentials_secret ON credentials (tenant_id, secret_id) WHERE secret_id IS NOT NULL;
CREATE INDEX storages_secret ON storages (tenant_id, secret_id) WHERE secret_id IS NOT NULL;
