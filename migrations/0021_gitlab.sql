ALTER TABLE organizations DROP CONSTRAINT organizations_host_kind_check;
ALTER TABLE organizations ADD CONSTRAINT organizations_host_kind_check CHECK (host_kind IN ('github', 'gitlab'));
