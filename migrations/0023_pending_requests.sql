ALTER TABLE installation_requests ADD COLUMN pending_at timestamptz;
COMMENT ON COLUMN installation_requests.pending_at IS 'When the host last listed it as not yet answered; nothing if it was not asked since.';
