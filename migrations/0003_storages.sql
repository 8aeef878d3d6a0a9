CREATE TABLE storages (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL,
    location jsonb NOT NULL,
    secret_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, secret_id) REFERENCES secrets (tenant_id, id),
    CONSTRAINT storages_name_key UNIQUE (tenant_id, name)
);
COMMENT ON TABLE storages IS 'A place that keeps snapshots. The location holds no secret.';
SELECT holdfast_isolate('storages');

CREATE TABLE storage_repositories (
    tenant_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    storage_id uuid NOT NULL,
    prefix text NOT NULL,
    password_secret_id uuid NOT NULL,
    master_secret_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT storage_repositories_pkey PRIMARY KEY (tenant_id, organization_id, storage_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    FOREIGN KEY (tenant_id, storage_id) REFERENCES storages (tenant_id, id),
    FOREIGN KEY (tenant_id, password_secret_id) REFERENCES secrets (tenant_id, id),
    FOREIGN KEY (tenant_id, master_secret_id) REFERENCES secrets (tenant_id, id),
    CONSTRAINT storage_repositories_prefix_key UNIQUE (tenant_id, storage_id, prefix)
);
COMMENT ON TABLE storage_repositories IS 'The encrypted repository that holds an organization''s snapshots in a storage.';
SELECT holdfast_isolate('storage_repositories');

CREATE TABLE storage_leases (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    storage_id uuid NOT NULL,
    mode text NOT NULL CHECK (mode IN ('shared', 'exclusive')),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, organization_id, storage_id)
        REFERENCES storage_repositories (tenant_id, organization_id, storage_id)
);
CREATE INDEX storage_leases_repository ON storage_leases (tenant_id, organization_id, storage_id);
COMMENT ON TABLE storage_leases IS 'Who works on a storage repository: writers share it, forgetting and pruning exclude all others. Times are the database''s.';
SELECT holdfast_isolate('storage_leases');
