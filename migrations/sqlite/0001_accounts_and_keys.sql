-- Who pays, and the keys they pay with. Times are unix seconds.

CREATE TABLE account (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL CHECK (kind IN ('metered', 'prepaid')),
    created_at INTEGER NOT NULL
) STRICT;

-- The key itself is shown once and kept nowhere: `hash` is an HMAC under a key derived from the secret.
CREATE TABLE api_key (
    id         TEXT    NOT NULL PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES account (id),
    name       TEXT    NOT NULL,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    models     TEXT,                -- a JSON array of model ids; NULL allows every model
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX api_key_by_account ON api_key (account, created_at);

-- Rises with every change that a key ring must see, and with nothing else, so that asking
-- "has anything changed?" is one row read even while calls are being settled.
CREATE TABLE key_revision (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL
) STRICT;

INSERT INTO key_revision (one, value) VALUES (1, 1);

CREATE TRIGGER api_key_made AFTER INSERT ON api_key
BEGIN UPDATE key_revision SET value = value + 1; END;

CREATE TRIGGER api_key_changed
AFTER UPDATE OF id, account, name, hash, models, expires_at, revoked_at ON api_key
BEGIN UPDATE key_revision SET value = value + 1; END;

CREATE TRIGGER api_key_removed AFTER DELETE ON api_key
BEGIN UPDATE key_revision SET value = value + 1; END;

CREATE TRIGGER account_changed AFTER UPDATE OF name, kind ON account
BEGIN UPDATE key_revision SET value = value + 1; END;

-- Tells a wrong or lost secret at start, instead of by refusing every key.
CREATE TABLE secret_fingerprint (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32)
) STRICT;
