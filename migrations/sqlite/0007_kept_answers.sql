-- How many idempotency keys of each account are in use, and the bytes of their answers, so that both
-- can be bounded without counting rows.
CREATE TABLE kept (
    account INTEGER PRIMARY KEY REFERENCES account (id),
    uses    INTEGER NOT NULL CHECK (uses >= 0),
    bytes   INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

INSERT INTO kept (account, uses, bytes)
SELECT account, count(*), coalesce(sum(length(answer)), 0) FROM idempotency GROUP BY account;

CREATE TRIGGER idempotency_used AFTER INSERT ON idempotency
BEGIN
    INSERT OR IGNORE INTO kept (account, uses, bytes) VALUES (new.account, 0, 0);
    UPDATE kept SET uses = uses + 1, bytes = bytes + coalesce(length(new.answer), 0)
    WHERE account = new.account;
END;

CREATE TRIGGER idempotency_answered AFTER UPDATE OF answer ON idempotency
BEGIN
    UPDATE kept SET bytes = bytes + coalesce(length(new.answer), 0) - coalesce(length(old.answer), 0)
    WHERE account = new.account;
END;

CREATE TRIGGER idempotency_forgotten AFTER DELETE ON idempotency
BEGIN
    UPDATE kept SET uses = uses - 1, bytes = bytes - coalesce(length(old.answer), 0)
    WHERE account = old.account;
END;

-- What gives way first.
CREATE INDEX idempotency_kept ON idempotency (account, begun_at) WHERE state = 'answered';
