-- Statements about one tenant run as this role, for which row-level security shows that tenant's rows and no others.
-- A role belongs to the whole cluster, and several databases of one cluster may migrate at the same moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'holdfast_tenant') THEN
        BEGIN
            CREATE ROLE holdfast_tenant NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'the database user % may not create roles: give it CREATEROLE, or let an administrator run: CREATE ROLE holdfast_tenant NOLOGIN; GRANT holdfast_tenant TO %',
                    current_user, quote_ident(current_user);
        END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        BEGIN
            EXECUTE format('GRANT holdfast_tenant TO %I', current_user);
        EXCEPTION
            WHEN unique_violation OR internal_error THEN
                NULL;
            WHEN insufficient_privilege THEN
                IF NOT pg_has_role(current_user, 'holdfast_tenant', 'MEMBER') THEN
                    RAISE EXCEPTION 'the database user % may not act as the role holdfast_tenant: let an administrator run: GRANT holdfast_tenant TO %',
                        current_user, quote_ident(current_user);
                END IF;
        END;
    END IF;
END
$$;

-- Every migration that adds a tenant table calls this for it.
CREATE FUNCTION holdfast_isolate(tenant_table regclass, tenant_column name DEFAULT 'tenant_id')
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
        'CREATE POLICY tenant ON %s TO holdfast_tenant
            USING (%2$I = current_setting(''holdfast.tenant'')::uuid)
            WITH CHECK (%2$I = current_setting(''holdfast.tenant'')::uuid)',
        tenant_table, tenant_column
    );
    -- The installation itself, which claims work across tenants, is the owner of the tables.
    EXECUTE format('CREATE POLICY fleet ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', tenant_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO holdfast_tenant', tenant_table);
END
$$;
COMMENT ON FUNCTION holdfast_isolate IS 'Puts a tenant table under row-level security.';
REVOKE ALL ON FUNCTION holdfast_isolate FROM PUBLIC;

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT tenants_name_key UNIQUE (name)
);
COMMENT ON TABLE tenants IS 'A customer of this installation.';
SELECT holdfast_isolate('tenants', 'id');
REVOKE INSERT, UPDATE, DELETE ON tenants FROM holdfast_tenant;

CREATE TABLE tenant_keys (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    version integer NOT NULL CHECK (version > 0),
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, version)
);
COMMENT ON TABLE tenant_keys IS 'The keys that seal a tenant''s secrets, each wrapped by the installation''s master key. The highest version seals; all of them open.';
SELECT holdfast_isolate('tenant_keys');

CREATE TABLE secrets (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('token', 'storage_password', 'storage_key', 'access_key')),
    version integer NOT NULL CHECK (version > 0),
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    replaced_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT secrets_name_key UNIQUE (tenant_id, name),
    CONSTRAINT secrets_key_fkey FOREIGN KEY (tenant_id, key_version) REFERENCES tenant_keys (tenant_id, version)
);
COMMENT ON TABLE secrets IS 'The Password Manager: tokens, keys and passwords, sealed. Other tables refer to its entries and hold no secret of their own.';
SELECT holdfast_isolate('secrets');
