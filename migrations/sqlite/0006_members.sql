-- People, what they may do in an account, and what they changed there.

CREATE TABLE "user" (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    email      TEXT    NOT NULL UNIQUE,  -- in small letters
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A user in an account. Who was removed stays as a row: keys and changes point at it.
CREATE TABLE member (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    account    INTEGER NOT NULL REFERENCES account (id),
    user_id    TEXT    NOT NULL REFERENCES "user" (id),
    role       TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX member_once ON member (account, user_id) WHERE removed_at IS NULL;

-- The member that a key acts for; NULL acts for nobody.
ALTER TABLE api_key ADD COLUMN member TEXT REFERENCES member (id);
CREATE INDEX api_key_by_member ON api_key (member) WHERE member IS NOT NULL;

-- A key ring knows the roles of members.
CREATE TRIGGER member_changed AFTER UPDATE ON member
BEGIN UPDATE key_revision SET value = value + 1; END;

-- Who changed what. Without a member it was a command of the operator. `detail` is JSON without
-- secrets: the changed thing as it was from then on.
CREATE TABLE change (
    n       INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    at      INTEGER NOT NULL,
    member  TEXT    REFERENCES member (id),
    key     TEXT,
    what    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    CHECK ((member IS NULL) = (key IS NULL))
) STRICT;

CREATE INDEX change_by_account ON change (account, n);
