ALTER TABLE plans
    ADD COLUMN content jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN paused_at timestamptz,
    ADD COLUMN removed_at timestamptz,
    ADD COLUMN version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN edited_at timestamptz,
    ADD COLUMN edited_by text,
    ADD CONSTRAINT plans_rest_check CHECK (next_due_at IS NULL OR (paused_at IS NULL AND removed_at IS NULL)),
    ADD CONSTRAINT plans_edit_check CHECK ((edited_at IS NULL) = (edited_by IS NULL));
ALTER TABLE plans DROP CONSTRAINT plans_name_key;
CREATE UNIQUE INDEX plans_name_key ON plans (tenant_id, name) WHERE removed_at IS NULL;
CREATE INDEX plans_organization ON plans (tenant_id, organization_id) WHERE removed_at IS NULL;
CREATE INDEX plans_storage ON plans (tenant_id, storage_id) WHERE removed_at IS NULL;
COMMENT ON COLUMN plans.content IS 'Which parts of a repository are taken: all but those switched off.';
COMMENT ON COLUMN plans.paused_at IS 'A paused plan does not run by itself; a person may run it.';
COMMENT ON COLUMN plans.removed_at IS 'A removed plan keeps its row, because its runs and snapshots name it.';
COMMENT ON COLUMN plans.version IS 'Rises with every change, so that two people who change a plan at once do not undo each other.';

-- The kinds that there were when every plan took all of them.
ALTER TABLE plan_states
    ADD COLUMN kinds jsonb NOT NULL DEFAULT '["git", "wiki", "lfs", "settings", "labels", "milestones", "issues", "issue_comments", "pull_requests", "reviews", "review_comments", "releases", "assets"]';
COMMENT ON COLUMN plan_states.kinds IS 'The kinds of data that the fetch was asked for.';

CREATE INDEX runs_plan_newest ON runs (tenant_id, plan_id, requested_at DESC);
CREATE INDEX snapshots_plan ON snapshots (tenant_id, plan_id, repository_id, taken_at DESC) WHERE forgotten_at IS NULL;
