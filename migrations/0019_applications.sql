CREATE TABLE applications (
    id uuid PRIMARY KEY,
    host_kind text NOT NULL CHECK (host_kind IN ('github')),
    host_url text NOT NULL,
    slot text NOT NULL CHECK (slot IN ('main', 'write', 'oauth', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10')),
    owner text,
    state text NOT NULL CHECK (state IN ('asked', 'converting', 'ready', 'refused')),
    state_hash bytea,
    session_id uuid,
    sealed bytea,
    key_version integer NOT NULL DEFAULT 0,
    app_id bigint,
    client_id text,
    slug text,
    permissions jsonb NOT NULL DEFAULT '{}',
    refusal text,
    installation_count bigint,
    answer text,
    answered_at timestamptz,
    check_requested_at timestamptz,
    looked_for_messages_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT applications_slot_key UNIQUE (host_url, slot),
    CONSTRAINT applications_state_hash_key UNIQUE (state_hash),
    CONSTRAINT applications_ready_check CHECK (state <> 'ready' OR (sealed IS NOT NULL AND client_id IS NOT NULL)),
    CONSTRAINT applications_refusal_check CHECK ((state = 'refused') = (refusal IS NOT NULL))
);
COMMENT ON TABLE applications IS 'Applications on hosts that the installation may install or ask people to authorize. They belong to no tenant; their keys are sealed with the master key.';
COMMENT ON COLUMN applications.key_version IS 'How often its keys were set: another number is another key.';
COMMENT ON COLUMN applications.answer IS 'What the host last said against it; nothing if it was content.';
GRANT SELECT (id, host_kind, host_url, slot, state, slug, key_version) ON applications TO holdfast_tenant;

ALTER TABLE secrets DROP CONSTRAINT secrets_kind_check;
ALTER TABLE secrets ADD CONSTRAINT secrets_kind_check
    CHECK (kind IN ('token', 'grant', 'storage_password', 'storage_key', 'access_key'));

ALTER TABLE credentials
    ADD COLUMN application_id uuid REFERENCES applications (id),
    ADD COLUMN account_id bigint,
    ADD COLUMN installation_id bigint,
    DROP CONSTRAINT credentials_kind_check,
    ADD CONSTRAINT credentials_kind_check CHECK (kind IN ('access_token', 'oauth', 'app_installation')),
    DROP CONSTRAINT credentials_secret_check,
    ADD CONSTRAINT credentials_secret_check CHECK (
        (secret_id IS NULL) = (removed_at IS NOT NULL OR kind = 'app_installation')
    ),
    ADD CONSTRAINT credentials_application_check CHECK (
        (kind = 'app_installation') = (account_id IS NOT NULL)
        AND (kind <> 'app_installation' OR application_id IS NOT NULL)
    ),
    ADD CONSTRAINT credentials_installation_check CHECK (
        kind <> 'app_installation' OR installation_id IS NOT NULL OR health = 'dead'
    );
COMMENT ON COLUMN credentials.application_id IS 'The application that is installed, or that a person has authorized.';
COMMENT ON COLUMN credentials.account_id IS 'The account that it is installed on, by the host''s number.';
COMMENT ON COLUMN credentials.installation_id IS 'Its installation there; nothing since it was taken off the account.';
DROP INDEX credentials_one_main_key;
CREATE UNIQUE INDEX credentials_one_main_key ON credentials (tenant_id, organization_id, coalesce(account_id, 0))
WHERE role = 'main' AND removed_at IS NULL;
CREATE UNIQUE INDEX credentials_installed_key ON credentials (tenant_id, organization_id, application_id, account_id)
WHERE account_id IS NOT NULL AND removed_at IS NULL;
CREATE INDEX credentials_application ON credentials (application_id, installation_id)
WHERE application_id IS NOT NULL AND removed_at IS NULL;

-- The second lock on the rule that an additional application works only where the organization has its main one, whatever the
-- code that inserts or revives a credential has looked at.
CREATE FUNCTION holdfast_carried() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (
        SELECT 1
        FROM credentials m
        WHERE m.tenant_id = NEW.tenant_id
            AND m.organization_id = NEW.organization_id
            AND m.role = 'main'
            AND m.kind = 'app_installation'
            AND m.removed_at IS NULL
    ) AND NOT EXISTS (
        SELECT 1
        FROM credentials m
        WHERE m.tenant_id = NEW.tenant_id
            AND m.organization_id = NEW.organization_id
            AND m.role = 'main'
            AND m.account_id = NEW.account_id
            AND m.installation_id IS NOT NULL
            AND m.removed_at IS NULL
    ) THEN
        RAISE EXCEPTION 'account % carries no main application', NEW.account_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credentials_carried_check';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION holdfast_carried FROM PUBLIC;
GRANT EXECUTE ON FUNCTION holdfast_carried TO holdfast_tenant;
CREATE TRIGGER credentials_carried
BEFORE INSERT OR UPDATE ON credentials
FOR EACH ROW
WHEN (
    NEW.role = 'additional'
    AND NEW.kind = 'app_installation'
    AND NEW.health <> 'dead'
    AND NEW.removed_at IS NULL
)
EXECUTE FUNCTION holdfast_carried();

CREATE TABLE authorizations (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    state_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    application_id uuid NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    purpose jsonb NOT NULL,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    asked_by jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT authorizations_state_hash_key UNIQUE (state_hash),
    CONSTRAINT authorizations_key_fkey FOREIGN KEY (tenant_id, key_version) REFERENCES tenant_keys (tenant_id, version)
);
COMMENT ON TABLE authorizations IS 'Ways to a host and back that somebody has begun. Coming back takes the row away: it counts once, in the session that began it.';
COMMENT ON COLUMN authorizations.sealed IS 'What proves to the host that who comes back is who went: the verifier of PKCE.';
SELECT holdfast_isolate('authorizations');

CREATE TABLE installation_requests (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    application_id uuid NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    account_id bigint NOT NULL,
    account text NOT NULL,
    requester_id bigint NOT NULL,
    person_id uuid,
    requested_at timestamptz NOT NULL,
    installation_id bigint,
    approved_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    CONSTRAINT installation_requests_key UNIQUE (tenant_id, organization_id, application_id, account_id),
    CONSTRAINT installation_requests_approval_check CHECK ((installation_id IS NULL) = (approved_at IS NULL))
);
COMMENT ON TABLE installation_requests IS 'Installations that an owner on the host was asked for. What is approved later is offered to the person who asked, and becomes nothing by itself.';
SELECT holdfast_isolate('installation_requests');

CREATE TABLE messages (
    application_id uuid NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    guid text NOT NULL,
    notice jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    done_at timestamptz,
    PRIMARY KEY (application_id, guid)
);
CREATE INDEX messages_open ON messages (received_at, application_id, guid) WHERE done_at IS NULL;
CREATE INDEX messages_done ON messages (done_at) WHERE done_at IS NOT NULL;
COMMENT ON TABLE messages IS 'What hosts have told applications, each once, and whether it was acted upon.';

ALTER TABLE repositories ADD COLUMN changed_at timestamptz;
COMMENT ON COLUMN repositories.changed_at IS 'When the host last told of a push, whatever its list says.';

CREATE TABLE host_settings (
    host text PRIMARY KEY,
    certificate_authority text,
    counts_requests boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL
);
COMMENT ON TABLE host_settings IS 'What is peculiar to one host: the private authority that vouches for its certificate, and whether it counts requests at all.';
