-- Runs that the operator shows on the pages of their models.
CREATE TABLE example (
    id       TEXT PRIMARY KEY,
    title    TEXT NOT NULL,
    model    TEXT NOT NULL,
    mode     TEXT NOT NULL,
    -- What was asked, as a JSON object.
    asked    TEXT NOT NULL,
    answer   TEXT NOT NULL,
    -- The call whose receipt it has, who answered, and what it cost; none is an illustration.
    receipt  TEXT,
    provider TEXT NOT NULL,
    cost     INTEGER CHECK (cost >= 0),
    made_at  INTEGER NOT NULL
) STRICT;
