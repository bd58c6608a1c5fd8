-- What people sign in with. All tokens are keyed hashes: what is in a cookie or a link is kept nowhere.

ALTER TABLE "user" ADD COLUMN password     TEXT COLLATE "C";  -- argon2id, as a PHC string
ALTER TABLE "user" ADD COLUMN operator     BIGINT NOT NULL DEFAULT 0 CHECK (operator IN (0, 1));
ALTER TABLE "user" ADD COLUMN signed_up_at BIGINT;            -- of who came without a link
CREATE INDEX user_signed_up ON "user" (signed_up_at) WHERE signed_up_at IS NOT NULL;

-- Since when a member may look at the account by signing in: who was only written down by another
-- may be anybody who took that address.
ALTER TABLE member ADD COLUMN joined_at BIGINT;

CREATE TABLE session (
    token     BYTEA  NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    user_id   TEXT COLLATE "C" NOT NULL REFERENCES "user" (id),
    member    TEXT COLLATE "C" REFERENCES member (id),  -- as whom the user acts
    began_at  BIGINT NOT NULL,
    idle_at   BIGINT NOT NULL,                          -- over by then unless it is used
    ends_at   BIGINT NOT NULL
);

CREATE INDEX session_by_user ON session (user_id, began_at);
CREATE INDEX session_by_end ON session (ends_at);

-- Links that are used once: to set this server up, to join an account, or to set another password.
CREATE TABLE link (
    token      BYTEA  NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    purpose    TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('setup', 'join', 'recover')),
    account    BIGINT REFERENCES account (id),
    email      TEXT COLLATE "C",
    role       TEXT COLLATE "C" CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    user_id    TEXT COLLATE "C" REFERENCES "user" (id),  -- whose password
    made_by    TEXT COLLATE "C" REFERENCES member (id),  -- of `account`; NULL is the operator
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CHECK ((purpose = 'join') = (email IS NOT NULL AND role IS NOT NULL)),
    CHECK ((purpose = 'recover') = (user_id IS NOT NULL)),
    CHECK (account IS NOT NULL OR (purpose <> 'join' AND made_by IS NULL))
);

CREATE INDEX link_by_account ON link (account) WHERE account IS NOT NULL;
CREATE INDEX link_by_user ON link (user_id) WHERE user_id IS NOT NULL;

-- Keys of providers that were given in the console, sealed under a key derived for that.
CREATE TABLE provider_key (
    provider   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

-- Who follows the revision of keys notices these too.
CREATE TRIGGER provider_key_made AFTER INSERT ON provider_key
FOR EACH ROW EXECUTE FUNCTION keys_changed();

CREATE TRIGGER provider_key_changed AFTER UPDATE ON provider_key
FOR EACH ROW EXECUTE FUNCTION keys_changed();

CREATE TRIGGER provider_key_removed AFTER DELETE ON provider_key
FOR EACH ROW EXECUTE FUNCTION keys_changed();
