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

-- Links that are used once: to set this server up, or to join an account.
CREATE TABLE link (
    token      BYTEA  NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    purpose    TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('setup', 'join')),
    account    BIGINT REFERENCES account (id),
    email      TEXT COLLATE "C",
    role       TEXT COLLATE "C" CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    made_by    TEXT COLLATE "C" REFERENCES member (id),  -- NULL is the operator
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CHECK ((purpose = 'join') = (account IS NOT NULL AND email IS NOT NULL AND role IS NOT NULL))
);

CREATE INDEX link_by_account ON link (account) WHERE account IS NOT NULL;

-- Keys of providers that were given in the console, sealed under a key derived for that.
CREATE TABLE provider_key (
    provider   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
