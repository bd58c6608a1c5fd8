-- How many idempotency keys of each account are in use, and the bytes of their answers, so that both
-- can be bounded without counting rows.
CREATE TABLE kept (
    account BIGINT PRIMARY KEY REFERENCES account (id),
    uses    BIGINT NOT NULL CHECK (uses >= 0),
    bytes   BIGINT NOT NULL CHECK (bytes >= 0)
);

INSERT INTO kept (account, uses, bytes)
SELECT account, count(*), coalesce(sum(length(answer)), 0) FROM idempotency GROUP BY account;

CREATE FUNCTION idempotency_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO kept (account, uses, bytes)
        VALUES (new.account, 1, coalesce(length(new.answer), 0))
        ON CONFLICT (account) DO UPDATE
        SET uses = kept.uses + 1, bytes = kept.bytes + excluded.bytes;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE kept
        SET bytes = bytes + coalesce(length(new.answer), 0) - coalesce(length(old.answer), 0)
        WHERE account = new.account;
    ELSE
        UPDATE kept SET uses = uses - 1, bytes = bytes - coalesce(length(old.answer), 0)
        WHERE account = old.account;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER idempotency_used AFTER INSERT OR DELETE OR UPDATE OF answer ON idempotency
FOR EACH ROW EXECUTE FUNCTION idempotency_counted();

-- What gives way first.
CREATE INDEX idempotency_kept ON idempotency (account, begun_at) WHERE state = 'answered';
