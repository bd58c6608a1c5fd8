-- Receipts may be removed, the oldest first. A book then begins with its opening: what it came to
-- at the place up to which its receipts, and its entries of usage, are gone. Entries of credit stay.

-- `kept` is a hash over the entries of credit up to there, one after another. There are no foreign
-- keys: the audit follows them.
CREATE TABLE opening (
    book    INTEGER PRIMARY KEY,
    seq     INTEGER NOT NULL CHECK (seq >= 1),
    balance INTEGER NOT NULL,
    receipt INTEGER NOT NULL CHECK (receipt >= 0),
    head    BLOB    NOT NULL CHECK (length(head) = 32),
    kept    BLOB    NOT NULL CHECK (length(kept) = 32)
) STRICT;

CREATE TRIGGER opening_goes_on BEFORE UPDATE ON opening
WHEN NEW.book <> OLD.book OR NEW.seq <= OLD.seq
BEGIN SELECT raise(ABORT, 'an opening only ever goes on'); END;
CREATE TRIGGER opening_is_kept BEFORE DELETE ON opening
BEGIN SELECT raise(ABORT, 'openings are never removed'); END;

-- What of `usage_hour` is of receipts that are gone.
CREATE TABLE gone_hour (
    account    INTEGER NOT NULL,
    hour       INTEGER NOT NULL CHECK (hour % 3600 = 0),
    key        TEXT    NOT NULL,
    model      TEXT    NOT NULL,
    calls      INTEGER NOT NULL,
    cost       INTEGER NOT NULL,
    charged    INTEGER NOT NULL,
    tokens_in  INTEGER NOT NULL,
    cached     INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    PRIMARY KEY (account, hour, key, model)
) STRICT;

-- What of `lease.spent` is.
CREATE TABLE gone_lease (
    lease TEXT    NOT NULL PRIMARY KEY,
    spent INTEGER NOT NULL CHECK (spent > 0)
) STRICT, WITHOUT ROWID;

-- Calls of which a journal or a stray may speak again: they are not paid for again.
CREATE TABLE gone_call (
    call TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER gone_hour_is_kept BEFORE DELETE ON gone_hour
BEGIN SELECT raise(ABORT, 'what is gone is not forgotten'); END;
CREATE TRIGGER gone_lease_is_kept BEFORE DELETE ON gone_lease
BEGIN SELECT raise(ABORT, 'what is gone is not forgotten'); END;
CREATE TRIGGER gone_call_is_kept BEFORE DELETE ON gone_call
BEGIN SELECT raise(ABORT, 'what is gone is not forgotten'); END;

-- Nothing goes but usage, and only from before the opening of its book.
DROP TRIGGER entry_is_kept;
CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry
WHEN NOT EXISTS (SELECT 1 FROM opening o WHERE o.book = OLD.book AND o.seq >= OLD.seq)
    OR NOT EXISTS (SELECT 1 FROM txn t WHERE t.n = OLD.txn AND t.kind = 'usage')
BEGIN SELECT raise(ABORT, 'an entry is kept: it is of credit, or its book begins before it'); END;
DROP TRIGGER txn_is_kept;
CREATE TRIGGER txn_is_kept BEFORE DELETE ON txn
WHEN OLD.kind <> 'usage' OR EXISTS (SELECT 1 FROM entry e WHERE e.txn = OLD.n)
BEGIN SELECT raise(ABORT, 'a transaction is kept: it is of credit, or has entries'); END;
DROP TRIGGER receipt_is_kept;
CREATE TRIGGER receipt_is_kept BEFORE DELETE ON receipt
WHEN NOT EXISTS (SELECT 1 FROM opening o WHERE o.book = OLD.account * 8 AND o.seq >= OLD.seq)
BEGIN SELECT raise(ABORT, 'a receipt is kept: its book begins before it'); END;
