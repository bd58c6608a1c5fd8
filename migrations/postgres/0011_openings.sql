-- Receipts may be removed, the oldest first. A book then begins with its opening: what it came to
-- at the place up to which its receipts, and its entries of usage, are gone. Entries of credit stay.

-- `kept` is a hash over the entries of credit up to there, one after another. There are no foreign
-- keys: the audit follows them.
CREATE TABLE opening (
    book    BIGINT PRIMARY KEY,
    seq     BIGINT NOT NULL CHECK (seq >= 1),
    balance BIGINT NOT NULL,
    receipt BIGINT NOT NULL CHECK (receipt >= 0),
    head    BYTEA  NOT NULL CHECK (length(head) = 32),
    kept    BYTEA  NOT NULL CHECK (length(kept) = 32)
);

-- What of `usage_hour` is of receipts that are gone.
CREATE TABLE gone_hour (
    account    BIGINT NOT NULL,
    hour       BIGINT NOT NULL CHECK (hour % 3600 = 0),
    key        TEXT COLLATE "C" NOT NULL,
    model      TEXT COLLATE "C" NOT NULL,
    calls      BIGINT NOT NULL,
    cost       BIGINT NOT NULL,
    charged    BIGINT NOT NULL,
    tokens_in  BIGINT NOT NULL,
    cached     BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    PRIMARY KEY (account, hour, key, model)
);

-- What of `lease.spent` is.
CREATE TABLE gone_lease (
    lease TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    spent BIGINT NOT NULL CHECK (spent > 0)
);

-- Calls of which a journal or a stray may speak again: they are not paid for again.
CREATE TABLE gone_call (
    call TEXT COLLATE "C" NOT NULL PRIMARY KEY
);

CREATE FUNCTION opening_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.book = OLD.book AND NEW.seq > OLD.seq THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an opening only ever goes on';
END $$;
CREATE TRIGGER opening_goes_on BEFORE UPDATE OR DELETE ON opening
FOR EACH ROW EXECUTE FUNCTION opening_goes_on();
CREATE TRIGGER gone_hour_is_kept BEFORE DELETE ON gone_hour
FOR EACH ROW EXECUTE FUNCTION immutable();
CREATE TRIGGER gone_lease_is_kept BEFORE DELETE ON gone_lease
FOR EACH ROW EXECUTE FUNCTION immutable();
CREATE TRIGGER gone_call_is_kept BEFORE DELETE ON gone_call
FOR EACH ROW EXECUTE FUNCTION immutable();

-- Nothing goes but usage, and only from before the opening of its book.
CREATE FUNCTION entry_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM opening o WHERE o.book = OLD.book AND o.seq >= OLD.seq)
        AND EXISTS (SELECT 1 FROM txn t WHERE t.n = OLD.txn AND t.kind = 'usage') THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'an entry is kept: it is of credit, or its book begins before it';
END $$;
CREATE FUNCTION txn_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.kind = 'usage' AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.txn = OLD.n) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a transaction is kept: it is of credit, or has entries';
END $$;
CREATE FUNCTION receipt_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM opening o WHERE o.book = OLD.account * 8 AND o.seq >= OLD.seq) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a receipt is kept: its book begins before it';
END $$;

DROP TRIGGER entry_stays ON entry;
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
FOR EACH ROW EXECUTE FUNCTION immutable();
CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry
FOR EACH ROW EXECUTE FUNCTION entry_is_kept();
DROP TRIGGER txn_stays ON txn;
CREATE TRIGGER txn_stays BEFORE UPDATE ON txn
FOR EACH ROW EXECUTE FUNCTION immutable();
CREATE TRIGGER txn_is_kept BEFORE DELETE ON txn
FOR EACH ROW EXECUTE FUNCTION txn_is_kept();
DROP TRIGGER receipt_stays ON receipt;
CREATE TRIGGER receipt_stays BEFORE UPDATE ON receipt
FOR EACH ROW EXECUTE FUNCTION immutable();
CREATE TRIGGER receipt_is_kept BEFORE DELETE ON receipt
FOR EACH ROW EXECUTE FUNCTION receipt_is_kept();
