-- What people sign in with. All tokens are keyed hashes: what is in a cookie or a link is kept nowhere.

ALTER TABLE "user" ADD COLUMN password     TEXT;     -- argon2id, as a PHC string
ALTER TABLE "user" ADD COLUMN operator     INTEGER NOT NULL DEFAULT 0 CHECK (operator IN (0, 1));
ALTER TABLE "user" ADD COLUMN signed_up_at INTEGER;  -- of who came without a link
CREATE INDEX user_signed_up ON "user" (signed_up_at) WHERE signed_up_at IS NOT NULL;

-- Since when a member may look at the account by signing in: who was only written down by another
-- may be anybody who took that address.
ALTER TABLE member ADD COLUMN joined_at INTEGER;

CREATE TABLE session (
    token     BLOB    NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    user_id   TEXT    NOT NULL REFERENCES "user" (id),
    member    TEXT    REFERENCES member (id),  -- as whom the user acts
    began_at  INTEGER NOT NULL,
    idle_at   INTEGER NOT NULL,                -- over by then unless it is used
    ends_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_by_user ON session (user_id, began_at);
CREATE INDEX session_by_end ON session (ends_at);

-- Links that are used once: to set this server up, to join an account, or to set another password.
CREATE TABLE link (
    token      BLOB    NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    purpose    TEXT    NOT NULL CHECK (purpose IN ('setup', 'join', 'recover')),
    account    INTEGER REFERENCES account (id),
    email      TEXT,
    role       TEXT    CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    user_id    TEXT    REFERENCES "user" (id),  -- whose password
    made_by    TEXT    REFERENCES member (id),  -- of `account`; NULL is the operator
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((purpose = 'join') = (email IS NOT NULL AND role IS NOT NULL)),
    CHECK ((purpose = 'recover') = (user_id IS NOT NULL)),
    CHECK (account IS NOT NULL OR (purpose <> 'join' AND made_by IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX link_by_account ON link (account) WHERE account IS NOT NULL;
CREATE INDEX link_by_user ON link (user_id) WHERE user_id IS NOT NULL;

-- Keys of providers that were given in the console, sealed under a key derived for that.
CREATE TABLE provider_key (
    provider   TEXT    NOT NULL PRIMARY KEY,
    sealed     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who follows the revision of keys notices these too.
CREATE TRIGGER provider_key_made AFTER INSERT ON provider_key
BEGIN UPDATE key_revision SET value = value + 1; END;

CREATE TRIGGER provider_key_changed AFTER UPDATE ON provider_key
BEGIN UPDATE key_revision SET value = value + 1; END;

CREATE TRIGGER provider_key_removed AFTER DELETE ON provider_key
BEGIN UPDATE key_revision SET value = value + 1; END;
