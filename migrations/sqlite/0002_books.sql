-- The books: balances, immutable entries and receipts, money lent to replicas. Money is whole
-- pico-dollars, times are unix seconds, ids are text that their makers keep unique.

-- `id` is owner * 8 + the number of the kind; the owner of a customer's book is its account, that
-- of a system's book the instance that writes it, so that no replica waits for another.
-- `receipt` is the newest receipt of its chain: no index has to find it.
CREATE TABLE book (
    id          INTEGER PRIMARY KEY,
    kind        TEXT    NOT NULL CHECK (kind IN
                    ('customer', 'cash_in', 'provider_payable', 'operator_loss', 'promotion',
                     'top_up_fee')),
    owner       INTEGER NOT NULL CHECK (owner >= 0),
    prepaid     INTEGER NOT NULL CHECK (prepaid IN (0, 1)),
    posted      INTEGER NOT NULL,
    held        INTEGER NOT NULL CHECK (held >= 0),
    promotional INTEGER NOT NULL CHECK (promotional >= 0),
    entries     INTEGER NOT NULL,
    receipt     INTEGER NOT NULL,
    head        BLOB    NOT NULL CHECK (length(head) = 32),
    UNIQUE (kind, owner),
    CHECK (prepaid = 0 OR (kind = 'customer' AND posted - held >= 0)),
    CHECK (kind = 'customer' OR (held = 0 AND promotional = 0 AND receipt = 0))
) STRICT;

INSERT INTO book (id, kind, owner, prepaid, posted, held, promotional, entries, receipt, head)
SELECT id * 8, 'customer', id, kind = 'prepaid', 0, 0, 0, 0, 0, zeroblob(32) FROM account;

-- Usage is one transaction for each commit of an instance; its customers' legs are receipts.
CREATE TABLE txn (
    n      INTEGER PRIMARY KEY,
    id     TEXT    UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    kind   TEXT    NOT NULL CHECK (kind IN
               ('grant', 'top_up', 'promotion', 'refund', 'expiry', 'reversal', 'usage')),
    reason TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    CHECK ((id IS NULL) = (kind = 'usage'))
) STRICT;

CREATE TABLE entry (
    book    INTEGER NOT NULL REFERENCES book (id),
    seq     INTEGER NOT NULL CHECK (seq >= 1),
    txn     INTEGER NOT NULL REFERENCES txn (n),
    amount  INTEGER NOT NULL,
    balance INTEGER NOT NULL,
    receipt INTEGER NOT NULL CHECK (receipt >= 0),
    hash    BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (book, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX entry_by_txn ON entry (txn, book);

-- One call, one row: what it used and cost, and its customer's entry of -charged. `before` is the
-- account's receipt before it, so that pages of the newest need no index. `details` is
-- what is only read together: key, hold, model, status, attempts with their prices, most to pay and
-- what was reported, in the form that its first byte names (`book/receipt.rs`). There are no foreign
-- keys: the audit follows them.
CREATE TABLE receipt (
    n        INTEGER PRIMARY KEY,
    call     TEXT    NOT NULL UNIQUE,
    account  INTEGER NOT NULL,
    txn      INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    before   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    cost     INTEGER NOT NULL,
    charged  INTEGER NOT NULL CHECK (charged BETWEEN 0 AND cost),
    spent    INTEGER NOT NULL,
    balance  INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    details  BLOB    NOT NULL
) STRICT;

CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
BEGIN SELECT raise(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry
BEGIN SELECT raise(ABORT, 'entries are never removed'); END;
CREATE TRIGGER txn_stays BEFORE UPDATE ON txn
BEGIN SELECT raise(ABORT, 'transactions are never changed'); END;
CREATE TRIGGER txn_is_kept BEFORE DELETE ON txn
BEGIN SELECT raise(ABORT, 'transactions are never removed'); END;
CREATE TRIGGER receipt_stays BEFORE UPDATE ON receipt
BEGIN SELECT raise(ABORT, 'receipts are never changed'); END;
CREATE TRIGGER receipt_is_kept BEFORE DELETE ON receipt
BEGIN SELECT raise(ABORT, 'receipts are never removed'); END;

-- Promotional credit, spent before paid credit and first what ends first. Its id is that of the
-- operation that granted it.
CREATE TABLE lot (
    id         TEXT    NOT NULL PRIMARY KEY REFERENCES txn (id),
    account    INTEGER NOT NULL REFERENCES account (id),
    amount     INTEGER NOT NULL CHECK (amount > 0),
    rest       INTEGER NOT NULL CHECK (rest BETWEEN 0 AND amount),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX lot_by_account ON lot (account, expires_at, id) WHERE rest > 0;

CREATE TABLE topup (
    provider TEXT    NOT NULL,
    external TEXT    NOT NULL,
    txn      INTEGER NOT NULL REFERENCES txn (n),
    account  INTEGER NOT NULL REFERENCES account (id),
    amount   INTEGER NOT NULL CHECK (amount > 0)
) STRICT;

CREATE UNIQUE INDEX topup_once ON topup (provider, external);
CREATE INDEX topup_by_txn ON topup (txn);

-- A running Vane: its present life, the record of its journal up to which all is in here, and the
-- life that settled all calls which those before it had left.
CREATE TABLE instance (
    id       INTEGER PRIMARY KEY CHECK (id >= 0),
    epoch    INTEGER NOT NULL CHECK (epoch >= 0),
    ingested INTEGER NOT NULL CHECK (ingested >= 0),
    begun_at INTEGER NOT NULL,
    cleared  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Calls that a journal told of and that had not ended by then, as the life of their instance that
-- told of them last wrote them.
CREATE TABLE open_call (
    instance INTEGER NOT NULL,
    call     TEXT    NOT NULL,
    epoch    INTEGER NOT NULL,
    state    BLOB    NOT NULL,
    PRIMARY KEY (instance, call)
) STRICT, WITHOUT ROWID;

-- Settlements that could not be entered: nothing that was paid for is forgotten. What a person
-- decides of one is marked: it was entered after all, or dropped for a reason.
CREATE TABLE stray (
    n      INTEGER PRIMARY KEY,
    op     TEXT    NOT NULL,
    why    TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    state  TEXT    NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'entered', 'dropped')),
    reason TEXT    NOT NULL DEFAULT '',
    CHECK ((state = 'dropped') = (reason <> ''))
) STRICT;

CREATE TRIGGER stray_is_kept BEFORE DELETE ON stray
BEGIN SELECT raise(ABORT, 'strays are never removed'); END;

-- A slice of a balance, and of a key's budget, that one replica may hold against in memory. No
-- index has `spent`, and the row has an address of its own: it is overwritten in place by every
-- commit.
CREATE TABLE lease (
    id       TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    account  INTEGER NOT NULL REFERENCES account (id),
    key      TEXT,
    instance INTEGER NOT NULL CHECK (instance >= 0),
    epoch    INTEGER NOT NULL CHECK (epoch >= 0),
    amount   INTEGER NOT NULL CHECK (amount >= 0),
    spent    INTEGER NOT NULL CHECK (spent BETWEEN 0 AND amount),
    until    INTEGER NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('open', 'returned')),
    CHECK (state = 'open' OR spent = amount)
) STRICT;

CREATE INDEX lease_by_account ON lease (account) WHERE state = 'open';
CREATE INDEX lease_by_key ON lease (key) WHERE state = 'open';
CREATE INDEX lease_by_instance ON lease (instance) WHERE state = 'open';

CREATE TABLE budget (
    key    TEXT    NOT NULL PRIMARY KEY,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    period TEXT    NOT NULL CHECK (period IN ('day', 'week', 'month'))
) STRICT, WITHOUT ROWID;

-- Every price that was ever billed under a version of rates.
CREATE TABLE rate (
    version  TEXT    NOT NULL,
    provider TEXT    NOT NULL,
    model    TEXT    NOT NULL,
    bucket   TEXT    NOT NULL,
    price    INTEGER NOT NULL CHECK (price >= 0),
    PRIMARY KEY (version, provider, model, bucket, price)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER rate_stays BEFORE UPDATE ON rate
BEGIN SELECT raise(ABORT, 'rates are never changed'); END;

-- What receipts of an hour come to, kept as they land: overwritten in place, as a lease is.
-- `cached` is the part of `tokens_in` that was read from a cache.
CREATE TABLE usage_hour (
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

CREATE INDEX usage_hour_by_key ON usage_hour (key, hour);

CREATE TABLE idempotency (
    account     INTEGER NOT NULL REFERENCES account (id),
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    state       TEXT    NOT NULL CHECK (state IN ('in_flight', 'answered')),
    answer      BLOB    CHECK ((answer IS NULL) = (state = 'in_flight')),
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
