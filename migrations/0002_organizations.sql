CREATE TABLE organizations (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL,
    host_kind text NOT NULL CHECK (host_kind IN ('github')),
    host_url text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT organizations_name_key UNIQUE (tenant_id, name)
);
COMMENT ON TABLE organizations IS 'A registered connection to one host.';
SELECT holdfast_isolate('organizations');

CREATE TABLE accounts (
    tenant_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    forge_id bigint NOT NULL,
    login text NOT NULL,
    is_organization boolean NOT NULL,
    PRIMARY KEY (tenant_id, organization_id, forge_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id)
);
COMMENT ON TABLE accounts IS 'A namespace on an organization''s host that owns repositories.';
SELECT holdfast_isolate('accounts');

CREATE TABLE credentials (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    login text NOT NULL,
    role text NOT NULL CHECK (role IN ('main', 'additional')),
    kind text NOT NULL CHECK (kind IN ('access_token')),
    bucket text NOT NULL,
    reserve_percent smallint NOT NULL CHECK (reserve_percent BETWEEN 0 AND 100),
    secret_id uuid,
    scopes text[],
    expires_at timestamptz,
    health text NOT NULL CHECK (health IN ('healthy', 'paused', 'dead')),
    health_reason text,
    created_at timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, organization_id, id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    FOREIGN KEY (tenant_id, secret_id) REFERENCES secrets (tenant_id, id),
    CONSTRAINT credentials_secret_check CHECK ((secret_id IS NULL) = (removed_at IS NOT NULL)),
    CONSTRAINT credentials_reason_check CHECK ((health = 'dead') = (health_reason IS NOT NULL))
);
CREATE UNIQUE INDEX credentials_name_key ON credentials (tenant_id, organization_id, name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX credentials_one_main_key ON credentials (tenant_id, organization_id)
WHERE role = 'main' AND removed_at IS NULL;
COMMENT ON TABLE credentials IS 'What may call a host''s API. A removed credential keeps its row, because past runs name it, and loses its secret.';
SELECT holdfast_isolate('credentials');

CREATE TABLE credential_access (
    tenant_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    forge_repository_id bigint NOT NULL,
    sees boolean NOT NULL,
    learnt_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, credential_id, forge_repository_id),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES credentials (tenant_id, id)
);
COMMENT ON TABLE credential_access IS 'Which credential sees which repository, as the host''s answers have taught.';
SELECT holdfast_isolate('credential_access');

CREATE TABLE repositories (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    forge_id bigint NOT NULL,
    name text NOT NULL,
    listing jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    gone_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, organization_id, forge_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id)
);
CREATE INDEX repositories_name ON repositories (tenant_id, organization_id, lower(name));
COMMENT ON TABLE repositories IS 'A repository as the host last listed it, known by its id there, over renames. One that is gone keeps its row and its snapshots.';
SELECT holdfast_isolate('repositories');
