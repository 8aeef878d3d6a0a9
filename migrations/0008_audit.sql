CREATE TABLE audit (
    tenant_id uuid REFERENCES tenants (id),
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    person_id uuid REFERENCES people (id),
    person_name text NOT NULL,
    address text,
    action text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    subject_name text NOT NULL,
    before jsonb,
    after jsonb,
    searched text NOT NULL GENERATED ALWAYS AS (
        lower(
            person_name || ' ' || coalesce(address, '') || ' ' || action || ' ' || subject_name || ' '
            || coalesce(before::text, '') || ' ' || coalesce(after::text, '')
        )
    ) STORED,
    CONSTRAINT audit_key UNIQUE NULLS NOT DISTINCT (tenant_id, id)
);
CREATE INDEX audit_newest ON audit (tenant_id, at DESC, id DESC);
CREATE INDEX audit_person ON audit (tenant_id, person_name, at DESC, id DESC);
CREATE INDEX audit_action ON audit (tenant_id, action, at DESC, id DESC);
CREATE INDEX audit_subject ON audit (tenant_id, subject_id, at DESC, id DESC);
COMMENT ON TABLE audit IS 'Who changed what, and who read something sensitive: written in the transaction of the change, never changed afterwards. It holds no secret.';
COMMENT ON COLUMN audit.tenant_id IS 'Nothing for what concerns the installation itself.';
COMMENT ON COLUMN audit.person_id IS 'Nothing for the command line and for what Holdfast does by itself.';
SELECT holdfast_isolate('audit');
REVOKE UPDATE, DELETE ON audit FROM holdfast_tenant;

CREATE FUNCTION holdfast_refuse()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'the table % is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
COMMENT ON FUNCTION holdfast_refuse IS 'Keeps what has been written as it is, from the owner of the table too.';
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION holdfast_refuse();
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION holdfast_refuse();
