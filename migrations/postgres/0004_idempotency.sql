-- Uses of idempotency keys, each from its first call on: which call that is and where it runs, then
-- its answer, sealed. Nothing was ever written to the table that this one takes the place of.
DROP TABLE idempotency;

CREATE TABLE idempotency (
    account     BIGINT NOT NULL REFERENCES account (id),
    key         BYTEA  NOT NULL CHECK (length(key) = 32),
    fingerprint BYTEA  NOT NULL CHECK (length(fingerprint) = 32),
    call        TEXT COLLATE "C" NOT NULL,
    instance    BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('in_flight', 'answered', 'too_large')),
    answer      BYTEA  CHECK ((answer IS NOT NULL) = (state = 'answered')),
    begun_at    BIGINT NOT NULL,
    PRIMARY KEY (account, key)
);

CREATE INDEX idempotency_by_age ON idempotency (begun_at);
CREATE INDEX idempotency_in_flight ON idempotency (instance) WHERE state = 'in_flight';
