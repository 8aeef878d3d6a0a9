CREATE TABLE checks (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    errand jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'accepted', 'refused')),
    secret_id uuid,
    key_version integer,
    sealed bytea,
    steps jsonb NOT NULL DEFAULT '[]',
    findings jsonb,
    refusal jsonb,
    organization_id uuid,
    credential_id uuid,
    asked_by jsonb NOT NULL,
    once text,
    requested_at timestamptz NOT NULL,
    ended_at timestamptz,
    worker_id uuid,
    fence bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT checks_once_key UNIQUE (tenant_id, once),
    CONSTRAINT checks_key_fkey FOREIGN KEY (tenant_id, key_version) REFERENCES tenant_keys (tenant_id, version),
    CONSTRAINT checks_sealed_check CHECK ((sealed IS NULL) = (key_version IS NULL)),
    CONSTRAINT checks_end_check CHECK ((ended_at IS NOT NULL) = (state IN ('accepted', 'refused'))),
    CONSTRAINT checks_kept_check CHECK (ended_at IS NULL OR sealed IS NULL),
    CONSTRAINT checks_refusal_check CHECK ((refusal IS NOT NULL) = (state = 'refused')),
    CONSTRAINT checks_worker_check CHECK ((worker_id IS NOT NULL) = (state = 'running'))
);
CREATE INDEX checks_open ON checks (tenant_id, requested_at, id) WHERE ended_at IS NULL;
CREATE INDEX checks_ended ON checks (tenant_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX checks_credential ON checks (tenant_id, credential_id, requested_at DESC) WHERE credential_id IS NOT NULL;
COMMENT ON TABLE checks IS 'Trials of tokens at their hosts: asked for by a person, done by a worker. A token that was given for the trial is sealed here and wiped when the trial ends.';
COMMENT ON COLUMN checks.secret_id IS 'The entry of the Password Manager that is tried, if the token was not given for the trial.';
COMMENT ON COLUMN checks.organization_id IS 'What it is about, or what it has made.';
COMMENT ON COLUMN checks.asked_by IS 'Who asked: what the trial changes is done in this name.';
COMMENT ON COLUMN checks.once IS 'Makes a form that is sent twice ask once.';
SELECT holdfast_isolate('checks');
