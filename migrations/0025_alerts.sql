ALTER TABLE secrets DROP CONSTRAINT secrets_kind_check;
ALTER TABLE secrets ADD CONSTRAINT secrets_kind_check
    CHECK (kind IN ('token', 'grant', 'storage_password', 'storage_key', 'access_key', 'channel'));

CREATE TABLE alerts (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    kind text NOT NULL CHECK (
        kind IN ('credential_dead', 'credential_expiring', 'pool_exhausted', 'foreign_spending')
    ),
    subject_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    sentence text NOT NULL,
    until timestamptz,
    raised_at timestamptz NOT NULL,
    resolved_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    CONSTRAINT alerts_acknowledged_check CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);
CREATE UNIQUE INDEX alerts_open_key ON alerts (tenant_id, kind, subject_id) WHERE resolved_at IS NULL;
CREATE INDEX alerts_newest ON alerts (
    tenant_id, (resolved_at IS NOT NULL), (coalesce(resolved_at, raised_at)) DESC, id DESC
);
COMMENT ON TABLE alerts IS 'What somebody should know without having looked: raised once for a cause, resolved when the cause is gone.';
COMMENT ON COLUMN alerts.subject_id IS 'The credential or the run that it is about.';
COMMENT ON COLUMN alerts.until IS 'When it ends by itself, or when what it warns of comes.';
SELECT holdfast_isolate('alerts');

CREATE TABLE alert_channels (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL,
    target jsonb NOT NULL,
    secret_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, secret_id) REFERENCES secrets (tenant_id, id),
    CONSTRAINT alert_channels_name_key UNIQUE (tenant_id, name)
);
CREATE INDEX alert_channels_secret ON alert_channels (tenant_id, secret_id) WHERE secret_id IS NOT NULL;
COMMENT ON TABLE alert_channels IS 'Ways on which a tenant is told of alerts.';
SELECT holdfast_isolate('alert_channels');

CREATE TABLE alert_deliveries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    channel_id uuid NOT NULL,
    alert_id uuid,
    state text NOT NULL CHECK (state IN ('waiting', 'sent', 'given_up')),
    attempt_count integer NOT NULL DEFAULT 0 CHECK (attempt_count >= 0),
    next_at timestamptz NOT NULL,
    refusal text,
    requested_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, channel_id) REFERENCES alert_channels (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, alert_id) REFERENCES alerts (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT alert_deliveries_once_key UNIQUE (tenant_id, channel_id, alert_id),
    CONSTRAINT alert_deliveries_end_check CHECK ((ended_at IS NULL) = (state = 'waiting'))
);
CREATE INDEX alert_deliveries_due ON alert_deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX alert_deliveries_newest ON alert_deliveries (tenant_id, channel_id, requested_at DESC);
CREATE INDEX alert_deliveries_alert ON alert_deliveries (tenant_id, alert_id) WHERE alert_id IS NOT NULL;
COMMENT ON TABLE alert_deliveries IS 'What is told on a channel, each alert once: tried again ever later until it is heard or given up. Without an alert it is a test.';
COMMENT ON COLUMN alert_deliveries.next_at IS 'When it is tried next. Whoever tries it moves this on first, so that nobody else does meanwhile.';
COMMENT ON COLUMN alert_deliveries.attempt_count IS 'How often it was tried: what settles an attempt names the number that it began with.';
SELECT holdfast_isolate('alert_deliveries');
