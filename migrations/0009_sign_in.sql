CREATE TABLE sign_ins (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    person_id uuid NOT NULL REFERENCES people (id),
    begun_at timestamptz NOT NULL
);
CREATE INDEX sign_ins_age ON sign_ins (begun_at);
CREATE INDEX sign_ins_person ON sign_ins (person_id);
COMMENT ON TABLE sign_ins IS 'Somebody who has given the right password and not yet a one-time code. It opens nothing but the question for the code.';
