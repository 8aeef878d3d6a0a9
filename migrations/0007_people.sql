CREATE TABLE people (
    id uuid PRIMARY KEY,
    email text NOT NULL CHECK (email = lower(email)),
    name text NOT NULL,
    password_hash text NOT NULL,
    operator boolean NOT NULL DEFAULT false,
    theme text NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    created_at timestamptz NOT NULL,
    password_changed_at timestamptz NOT NULL,
    CONSTRAINT people_email_key UNIQUE (email)
);
COMMENT ON TABLE people IS 'Who may sign in. A person belongs to the installation, and through memberships to any number of tenants.';
COMMENT ON COLUMN people.operator IS 'Whether the person runs the installation; it opens no tenant''s data.';

CREATE TABLE memberships (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    person_id uuid NOT NULL REFERENCES people (id),
    role text NOT NULL CHECK (role IN ('auditor', 'operator', 'admin', 'owner')),
    created_at timestamptz NOT NULL,
    CONSTRAINT memberships_pkey PRIMARY KEY (tenant_id, person_id)
);
CREATE INDEX memberships_person ON memberships (person_id);
COMMENT ON TABLE memberships IS 'Who belongs to a tenant, and what she may do there. Each request looks here, so that a removal ends access at once.';
SELECT holdfast_isolate('memberships');

CREATE TABLE invitations (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    email text NOT NULL CHECK (email = lower(email)),
    role text NOT NULL CHECK (role IN ('auditor', 'operator', 'admin', 'owner')),
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    invited_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT invitations_end_check CHECK (accepted_at IS NULL OR revoked_at IS NULL)
);
CREATE UNIQUE INDEX invitations_one_open_key ON invitations (tenant_id, email)
WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE UNIQUE INDEX invitations_token_key ON invitations (token_hash);
COMMENT ON TABLE invitations IS 'A link that makes whoever has the e-mail address a member, once. The token is in the link alone; here is its hash.';
SELECT holdfast_isolate('invitations');

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people (id),
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    address text NOT NULL,
    agent text NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    CONSTRAINT sessions_token_key UNIQUE (token_hash)
);
CREATE INDEX sessions_person ON sessions (person_id, last_seen_at DESC);
CREATE INDEX sessions_stale ON sessions (last_seen_at);
COMMENT ON TABLE sessions IS 'A browser that somebody has signed in with. The token is in its cookie alone; here is its hash.';

CREATE TABLE sign_in_attempts (
    id uuid PRIMARY KEY,
    account text NOT NULL,
    address text NOT NULL,
    attempted_at timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_account ON sign_in_attempts (account, attempted_at);
CREATE INDEX sign_in_attempts_address ON sign_in_attempts (address, attempted_at);
CREATE INDEX sign_in_attempts_age ON sign_in_attempts (attempted_at);
COMMENT ON TABLE sign_in_attempts IS 'Failed attempts to sign in, also with e-mail addresses that nobody has. Signing in deletes the account''s, age deletes the rest.';

CREATE TABLE totps (
    person_id uuid PRIMARY KEY REFERENCES people (id),
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE totps IS 'The seed of a person''s one-time codes, sealed with the installation''s master key and bound to the person.';
COMMENT ON COLUMN totps.confirmed_at IS 'When the person first typed a code of it; until then signing in does not ask for one.';
COMMENT ON COLUMN totps.last_step IS 'The time step of the last code that was accepted: no code of it or of an earlier one is accepted again.';

CREATE TABLE recovery_codes (
    person_id uuid NOT NULL REFERENCES people (id),
    code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
    used_at timestamptz,
    PRIMARY KEY (person_id, code_hash)
);
COMMENT ON TABLE recovery_codes IS 'What stands in for a one-time code, each once.';

-- A tenant sees who its members are, and of them no more than this.
GRANT SELECT (id, email, name) ON people TO holdfast_tenant;
GRANT SELECT (person_id, confirmed_at) ON totps TO holdfast_tenant;
DO $$
DECLARE
    visible record;
BEGIN
    FOR visible IN SELECT * FROM (VALUES ('people', 'id'), ('totps', 'person_id')) AS v (name, person) LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', visible.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', visible.name);
        EXECUTE format(
            'CREATE POLICY tenant ON %1$I FOR SELECT TO holdfast_tenant
                USING (EXISTS (SELECT FROM memberships m
                    WHERE m.tenant_id = current_setting(''holdfast.tenant'')::uuid AND m.person_id = %1$I.%2$I))',
            visible.name, visible.person
        );
        EXECUTE format('CREATE POLICY fleet ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', visible.name);
    END LOOP;
END
$$;
