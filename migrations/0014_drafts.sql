CREATE TABLE drafts (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    plan_id uuid,
    plan_version integer,
    settings jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id),
    CONSTRAINT drafts_once_key UNIQUE NULLS NOT DISTINCT (tenant_id, person_id, plan_id),
    CONSTRAINT drafts_version_check CHECK ((plan_id IS NULL) = (plan_version IS NULL))
);
COMMENT ON TABLE drafts IS 'What a person has changed about a plan and not saved yet: one draft for each plan, and one for a plan to come, which takes over the draft''s id.';
COMMENT ON COLUMN drafts.plan_version IS 'The version of the plan that the person began with.';
SELECT holdfast_isolate('drafts');
