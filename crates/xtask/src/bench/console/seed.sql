-- A large installation: what months of use leave behind, made in seconds. The tenants exist already; the first one, whose
-- pages are read, has two fifths of everything, because a list is slow for the tenant that has much.
\set ON_ERROR_STOP 1

-- Ids that sort by time, as the product makes them.
CREATE FUNCTION pg_temp.id_at(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (
        lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
        || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15)
    )::uuid
$$;

DO 'BEGIN PERFORM setseed(0.5); END';

CREATE TEMP TABLE tenant AS
SELECT id, row_number() OVER (ORDER BY created_at, name)::integer AS number
FROM tenants;

-- 20 organizations for the first tenant, one for each other.
CREATE TEMP TABLE organization AS
SELECT
    t.id AS tenant_id,
    pg_temp.id_at(now() - interval '200 days') AS id,
    n AS number,
    row_number() OVER (ORDER BY t.number, n)::integer AS overall
FROM tenant AS t
CROSS JOIN LATERAL generate_series(1, CASE WHEN t.number = 1 THEN 20 ELSE 1 END) AS n;

INSERT INTO organizations (tenant_id, id, name, host_kind, host_url, created_at)
SELECT tenant_id, id, 'organization-' || number, 'github', 'https://github.example.com/', now() - interval '200 days'
FROM organization;

INSERT INTO accounts (tenant_id, organization_id, forge_id, login, is_organization)
SELECT tenant_id, id, overall, 'organization-' || number, true
FROM organization;

-- 1,000 credentials: 20 for each organization of the first tenant, the rest spread over the others.
CREATE TEMP TABLE credential AS
SELECT
    o.tenant_id,
    o.id AS organization_id,
    o.overall,
    n AS number,
    pg_temp.id_at(now() - interval '200 days' + n * interval '1 hour') AS id,
    pg_temp.id_at(now() - interval '200 days' + n * interval '1 hour') AS secret_id
FROM organization AS o
JOIN tenant AS t ON t.id = o.tenant_id
CROSS JOIN LATERAL generate_series(
    1, CASE WHEN t.number = 1 THEN 20 ELSE 12 + CASE WHEN t.number <= 13 THEN 1 ELSE 0 END END
) AS n;

INSERT INTO secrets (tenant_id, id, name, kind, version, key_version, sealed, created_at)
SELECT tenant_id, secret_id, 'token of backup-' || overall || '-' || number, 'token', 1, 1, '\x00', now() - interval '200 days'
FROM credential;

INSERT INTO credentials (
    tenant_id, id, organization_id, name, login, role, kind, bucket, reserve_percent, secret_id, scopes, expires_at,
    health, health_reason, created_at
)
SELECT
    tenant_id,
    id,
    organization_id,
    'backup-' || overall || '-' || number,
    'backup-' || overall || '-' || number,
    CASE WHEN number = 1 THEN 'main' ELSE 'additional' END,
    'access_token',
    'github.example.com/user:' || (overall * 1000 + number),
    10,
    secret_id,
    ARRAY['repo'],
    CASE WHEN number % 3 = 0 THEN now() + number * interval '9 days' END,
    CASE WHEN number = 7 THEN 'dead' ELSE 'healthy' END,
    CASE WHEN number = 7 THEN 'The host answered 401: the token was revoked.' END,
    now() - interval '200 days'
FROM credential;

INSERT INTO buckets (key, resource, request_limit, remaining, reset_at)
SELECT
    'github.example.com/user:' || (overall * 1000 + number),
    resource,
    5000,
    (random() * 5000)::bigint,
    now() + random() * interval '1 hour'
FROM credential
CROSS JOIN (VALUES ('core'), ('graphql')) AS resources (resource);

-- 10,000 repositories: 200 for each organization of the first tenant, the rest spread over the others.
CREATE TEMP TABLE repository AS
SELECT
    o.tenant_id,
    o.id AS organization_id,
    o.overall,
    n AS number,
    pg_temp.id_at(now() - interval '190 days' + n * interval '1 minute') AS id
FROM organization AS o
JOIN tenant AS t ON t.id = o.tenant_id
CROSS JOIN LATERAL generate_series(
    1, CASE WHEN t.number = 1 THEN 200 ELSE 122 + CASE WHEN t.number <= 23 THEN 1 ELSE 0 END END
) AS n;

INSERT INTO repositories (
    tenant_id, id, organization_id, forge_id, name, listing, first_seen_at, last_seen_at, gone_at
)
SELECT
    tenant_id,
    id,
    organization_id,
    number,
    'organization-' || overall || '/repository-' || number,
    jsonb_build_object('id', number, 'archived', number % 10 = 0, 'fork', number % 15 = 0, 'topics', jsonb_build_array('topic')),
    now() - interval '190 days',
    now() - interval '1 hour',
    CASE WHEN number % 50 = 0 THEN now() - interval '3 days' END
FROM repository;

INSERT INTO storages (tenant_id, id, name, location, created_at)
SELECT id, pg_temp.id_at(now() - interval '200 days'), 'disk', '{"local": "/nowhere"}', now() - interval '200 days'
FROM tenant;

INSERT INTO secrets (tenant_id, id, name, kind, version, key_version, sealed, created_at)
SELECT tenant_id, id, 'storage password ' || overall, 'storage_password', 1, 1, '\x00', now()
FROM organization;

INSERT INTO storage_repositories (
    tenant_id, organization_id, storage_id, prefix, password_secret_id, master_secret_id, created_at
)
SELECT o.tenant_id, o.id, s.id, 'organization-' || o.overall, o.id, o.id, now()
FROM organization AS o
JOIN storages AS s ON s.tenant_id = o.tenant_id AND s.name = 'disk';

-- Two plans for each organization, with half of its additional credentials switched on.
CREATE TEMP TABLE plan AS
SELECT
    o.tenant_id,
    o.id AS organization_id,
    o.overall,
    n AS number,
    pg_temp.id_at(now() - interval '180 days') AS id,
    s.id AS storage_id
FROM organization AS o
JOIN storages AS s ON s.tenant_id = o.tenant_id AND s.name = 'disk'
CROSS JOIN generate_series(1, 2) AS n;

INSERT INTO plans (
    tenant_id, id, organization_id, storage_id, name, selection, schedule, next_due_at, retention,
    additional_credentials, created_at
)
SELECT
    tenant_id,
    id,
    organization_id,
    storage_id,
    'plan-' || overall || '-' || CASE number WHEN 1 THEN 'nightly' ELSE 'weekly' END,
    '{"select": "all"}',
    NULL,
    NULL,
    '{"daily": 14, "monthly": 12}',
    true,
    now() - interval '180 days'
FROM plan;

INSERT INTO plan_credentials (tenant_id, plan_id, credential_id, organization_id)
SELECT p.tenant_id, p.id, c.id, p.organization_id
FROM plan AS p
JOIN credential AS c ON c.tenant_id = p.tenant_id AND c.organization_id = p.organization_id
WHERE c.number > 1 AND c.number % 2 = 0;

-- 100,000 fetches: of each plan of the first tenant five runs, of each other plan as many as are missing.
CREATE TEMP TABLE run AS
SELECT
    p.tenant_id,
    p.id AS plan_id,
    p.organization_id,
    p.storage_id,
    n AS number,
    now() - n * interval '1 day' - p.overall * interval '1 minute' AS at,
    pg_temp.id_at(now() - n * interval '1 day' - p.overall * interval '1 minute') AS id
FROM plan AS p
CROSS JOIN generate_series(1, 5) AS n;

INSERT INTO runs (
    tenant_id, id, plan_id, trigger, due_at, state, cause, requested_at, started_at, listed_at, ended_at
)
SELECT
    tenant_id,
    id,
    plan_id,
    'schedule',
    at,
    CASE number WHEN 2 THEN 'complete_with_omissions' WHEN 4 THEN 'failed' ELSE 'complete' END,
    CASE number WHEN 4 THEN 'The storage did not answer.' END,
    at,
    at,
    at + interval '4 seconds',
    at + interval '40 minutes'
FROM run;

CREATE TEMP TABLE part AS
SELECT
    r.tenant_id,
    r.id AS run_id,
    r.plan_id,
    r.organization_id,
    r.storage_id,
    r.at,
    y.id AS repository_id,
    y.number,
    pg_temp.id_at(r.at + y.number * interval '1 second') AS id,
    pg_temp.id_at(r.at + y.number * interval '1 second') AS snapshot_id,
    y.number % 3 = 0 AS stored
FROM run AS r
JOIN repository AS y ON y.tenant_id = r.tenant_id AND y.organization_id = r.organization_id;

INSERT INTO snapshots (
    tenant_id, id, organization_id, storage_id, repository_id, plan_id, run_id, restic_id, tree, manifest_sha256,
    taken_at, bytes_total, bytes_added, counts, omissions
)
SELECT
    tenant_id,
    snapshot_id,
    organization_id,
    storage_id,
    repository_id,
    plan_id,
    run_id,
    md5(snapshot_id::text) || md5(id::text),
    md5(id::text),
    md5(id::text),
    at + number * interval '1 second',
    1000000 + number,
    1000 + number,
    '{"issues": 12, "pull_requests": 4}',
    '[]'
FROM part
WHERE stored;

INSERT INTO fetches (
    tenant_id, id, run_id, plan_id, repository_id, state, sweep, cause, snapshot_id, bytes_added, started_at, ended_at
)
SELECT
    tenant_id,
    id,
    run_id,
    plan_id,
    repository_id,
    CASE WHEN stored THEN 'complete' WHEN number % 97 = 0 THEN 'failed' ELSE 'unchanged' END,
    false,
    CASE WHEN NOT stored AND number % 97 = 0 THEN 'The host answered 502 five times.' END,
    CASE WHEN stored THEN snapshot_id END,
    CASE WHEN stored THEN 1000 + number ELSE 0 END,
    at + number * interval '1 second',
    at + number * interval '1 second' + interval '9 seconds'
FROM part;

INSERT INTO usages (
    tenant_id, run_id, fetch_id, credential_id, request_count, refused_count, not_modified_count, point_count
)
SELECT f.tenant_id, f.run_id, f.id, c.id, 3 + f.number % 20, 0, f.number % 5, f.number % 7
FROM part AS f
JOIN credential AS c
    ON c.tenant_id = f.tenant_id AND c.organization_id = f.organization_id AND c.number = 2 + 2 * (f.number % 5);

INSERT INTO choices (
    tenant_id, id, run_id, fetch_id, chosen_at, credential_id, resource, remaining, reset_at, runners_up, reason
)
SELECT
    f.tenant_id,
    pg_temp.id_at(f.at + f.number * interval '1 second'),
    f.run_id,
    f.id,
    f.at + f.number * interval '1 second',
    c.id,
    'core',
    1000 + f.number,
    f.at + interval '1 hour',
    '[]',
    'most left'
FROM part AS f
JOIN credential AS c
    ON c.tenant_id = f.tenant_id AND c.organization_id = f.organization_id AND c.number = 2 + 2 * (f.number % 5);

INSERT INTO throttles (tenant_id, id, run_id, fetch_id, began_at, ends_at)
SELECT
    tenant_id,
    pg_temp.id_at(at + number * interval '1 second'),
    run_id,
    id,
    at + number * interval '1 second',
    at + number * interval '1 second' + interval '3 minutes'
FROM part
WHERE number % 40 = 0;

-- What the program keeps of a run that has ended.
UPDATE runs AS r
SET summary = jsonb_build_object(
    'tally', (
        SELECT jsonb_build_object(
            'queued', 0, 'running', 0, 'throttled', 0, 'cancelled', 0, 'complete_with_omissions', 0,
            'complete', count(*) FILTER (WHERE state = 'complete'),
            'unchanged', count(*) FILTER (WHERE state = 'unchanged'),
            'failed', count(*) FILTER (WHERE state = 'failed')
        )
        FROM fetches AS f
        WHERE f.tenant_id = r.tenant_id AND f.run_id = r.id
    ),
    'bytes_added', (
        SELECT coalesce(sum(bytes_added), 0)
        FROM fetches AS f
        WHERE f.tenant_id = r.tenant_id AND f.run_id = r.id
    ),
    'throttled_s', 180,
    'credentials', (
        SELECT coalesce(jsonb_agg(u), '[]')
        FROM (
            SELECT
                c.name,
                sum(request_count) AS requests,
                sum(refused_count) AS refused,
                sum(not_modified_count) AS not_modified,
                sum(point_count) AS points
            FROM usages AS u
            JOIN credentials AS c ON c.tenant_id = u.tenant_id AND c.id = u.credential_id
            WHERE u.tenant_id = r.tenant_id AND u.run_id = r.id
            GROUP BY c.name
        ) AS u
    )
);
UPDATE repositories AS r
SET is_protected = true
WHERE EXISTS (SELECT FROM snapshots AS s WHERE s.tenant_id = r.tenant_id AND s.repository_id = r.id);

-- 60 people, most of them in the first tenant.
CREATE TEMP TABLE person AS
SELECT n AS number, pg_temp.id_at(now() - n * interval '1 day') AS id
FROM generate_series(1, 60) AS n;

INSERT INTO people (id, email, name, password_hash, created_at, password_changed_at)
SELECT id, 'person-' || number || '@example.com', 'Person ' || number, 'none', now(), now()
FROM person;

INSERT INTO memberships (tenant_id, person_id, role, created_at)
SELECT t.id, p.id, CASE p.number % 3 WHEN 0 THEN 'admin' WHEN 1 THEN 'operator' ELSE 'auditor' END, now()
FROM person AS p
JOIN tenant AS t ON t.number = CASE WHEN p.number <= 45 THEN 1 ELSE p.number - 43 END;

-- 50,000 entries of the audit log.
INSERT INTO audit (tenant_id, id, at, person_name, address, action, subject_kind, subject_id, subject_name, before, after)
SELECT
    t.id,
    pg_temp.id_at(now() - n * interval '5 minutes'),
    now() - n * interval '5 minutes',
    'Person ' || n % 60,
    '192.0.2.' || n % 250,
    CASE n % 4 WHEN 0 THEN 'plan.edit' WHEN 1 THEN 'credential.add' WHEN 2 THEN 'run.request' ELSE 'snapshot.download' END,
    'plan',
    t.id,
    'plan-' || n % 40,
    '{"schedule": "30 2 * * *"}',
    '{"schedule": "30 3 * * *"}'
FROM tenant AS t
CROSS JOIN LATERAL generate_series(1, CASE WHEN t.number = 1 THEN 20000 ELSE 612 END) AS n;

VACUUM (ANALYZE);
