CREATE TABLE plans (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    storage_id uuid NOT NULL,
    name text NOT NULL,
    selection jsonb NOT NULL,
    schedule jsonb,
    next_due_at timestamptz,
    retention jsonb NOT NULL,
    additional_credentials boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, organization_id, id),
    CONSTRAINT plans_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    CONSTRAINT plans_storage_fkey FOREIGN KEY (tenant_id, storage_id) REFERENCES storages (tenant_id, id),
    CONSTRAINT plans_name_key UNIQUE (tenant_id, name),
    CONSTRAINT plans_due_check CHECK (schedule IS NOT NULL OR next_due_at IS NULL)
);
CREATE INDEX plans_due ON plans (tenant_id, next_due_at) WHERE next_due_at IS NOT NULL;
COMMENT ON TABLE plans IS 'What to back up, when, where to, how long to keep it, with which additional credentials.';
SELECT holdfast_isolate('plans');

CREATE TABLE plan_credentials (
    tenant_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, plan_id, credential_id),
    FOREIGN KEY (tenant_id, organization_id, plan_id) REFERENCES plans (tenant_id, organization_id, id),
    CONSTRAINT plan_credentials_credential_fkey FOREIGN KEY (tenant_id, organization_id, credential_id)
        REFERENCES credentials (tenant_id, organization_id, id)
);
CREATE INDEX plan_credentials_credential ON plan_credentials (tenant_id, credential_id);
COMMENT ON TABLE plan_credentials IS 'The additional credentials that are switched on in a plan; both belong to one organization.';
SELECT holdfast_isolate('plan_credentials');
