ALTER TABLE applications DROP CONSTRAINT applications_host_kind_check;
ALTER TABLE applications ADD CONSTRAINT applications_host_kind_check
    CHECK (host_kind = 'github' OR (host_kind = 'gitlab' AND slot = 'oauth'));
ALTER TABLE authorizations ADD COLUMN returns_to text;
COMMENT ON COLUMN authorizations.returns_to IS 'Where the host was told to send the person back to, which some hosts want to hear a second time.';
