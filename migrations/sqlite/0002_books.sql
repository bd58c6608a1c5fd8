-- The books: balances, immutable entries, money lent to replicas, receipts. Money is whole
-- pico-dollars, times are unix seconds, ids are text that their makers keep unique.

-- `id` is owner * 8 + the number of the kind; the owner of a customer's book is its account, that
-- of a system's book the instance that writes it, so that no replica waits for another.
CREATE TABLE book (
    id          INTEGER PRIMARY KEY,
    kind        TEXT    NOT NULL CHECK (kind IN
                    ('customer', 'cash_in', 'provider_payable', 'operator_loss', 'promotion')),
    owner       INTEGER NOT NULL CHECK (owner >= 0),
    prepaid     INTEGER NOT NULL CHECK (prepaid IN (0, 1)),
    posted      INTEGER NOT NULL,
    held        INTEGER NOT NULL CHECK (held >= 0),
    promotional INTEGER NOT NULL CHECK (promotional >= 0),
    entries     INTEGER NOT NULL CHECK (entries >= 0),
    head        BLOB    NOT NULL CHECK (length(head) = 32),
    UNIQUE (kind, owner),
    CHECK (prepaid = 0 OR (kind = 'customer' AND posted - held >= 0)),
    CHECK (kind = 'customer' OR (held = 0 AND promotional = 0))
) STRICT;

INSERT INTO book (id, kind, owner, prepaid, posted, held, promotional, entries, head)
SELECT id * 8, 'customer', id, kind = 'prepaid', 0, 0, 0, 0, zeroblob(32) FROM account;

CREATE TABLE txn (
    id     TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    kind   TEXT    NOT NULL CHECK (kind IN
               ('grant', 'top_up', 'promotion', 'refund', 'expiry', 'usage')),
    call   TEXT    CHECK ((call IS NOT NULL) = (kind = 'usage')),
    reason TEXT    NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A call is paid for once.
CREATE UNIQUE INDEX txn_by_call ON txn (call) WHERE call IS NOT NULL;

CREATE TABLE entry (
    book         INTEGER NOT NULL REFERENCES book (id),
    seq          INTEGER NOT NULL CHECK (seq >= 1),
    txn          TEXT    NOT NULL REFERENCES txn (id),
    amount       INTEGER NOT NULL,
    attempt      INTEGER CHECK (attempt >= 0),
    rate_version TEXT    CHECK ((rate_version IS NULL) = (attempt IS NULL)),
    quantities   TEXT    CHECK ((quantities IS NULL) = (attempt IS NULL)),
    previous     BLOB    NOT NULL CHECK (length(previous) = 32),
    hash         BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (book, seq)
) STRICT, WITHOUT ROWID;

-- An attempt is entered at most once in a book.
CREATE UNIQUE INDEX entry_by_txn ON entry (txn, book, coalesce(attempt, -1));

CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
BEGIN SELECT raise(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry
BEGIN SELECT raise(ABORT, 'entries are never removed'); END;
CREATE TRIGGER txn_stays BEFORE UPDATE ON txn
BEGIN SELECT raise(ABORT, 'transactions are never changed'); END;
CREATE TRIGGER txn_is_kept BEFORE DELETE ON txn
BEGIN SELECT raise(ABORT, 'transactions are never removed'); END;

-- Promotional credit, spent before paid credit and first what ends first.
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
    txn      TEXT    NOT NULL REFERENCES txn (id),
    account  INTEGER NOT NULL REFERENCES account (id),
    amount   INTEGER NOT NULL CHECK (amount > 0)
) STRICT;

CREATE UNIQUE INDEX topup_once ON topup (provider, external);
CREATE INDEX topup_by_txn ON topup (txn);

CREATE TABLE instance (
    id          INTEGER PRIMARY KEY CHECK (id >= 0),
    epoch       INTEGER NOT NULL CHECK (epoch >= 0),
    lease_until INTEGER NOT NULL
) STRICT;

-- A slice of a balance, and of a key's budget, that one replica may hold against in memory.
CREATE TABLE lease (
    id       TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    account  INTEGER NOT NULL REFERENCES account (id),
    key      TEXT,
    instance INTEGER NOT NULL CHECK (instance >= 0),
    epoch    INTEGER NOT NULL CHECK (epoch >= 0),
    amount   INTEGER NOT NULL CHECK (amount >= 0),
    spent    INTEGER NOT NULL CHECK (spent >= 0),
    open     INTEGER NOT NULL CHECK (open >= 0),
    until    INTEGER NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('open', 'returned')),
    CHECK (spent + open <= amount),
    CHECK (state = 'open' OR spent + open = amount)
) STRICT, WITHOUT ROWID;

CREATE INDEX lease_by_account ON lease (account) WHERE amount > spent;
CREATE INDEX lease_by_key ON lease (key) WHERE amount > spent;

-- One call, one hold. `posted` is what was spent of it.
CREATE TABLE hold (
    call    TEXT    NOT NULL PRIMARY KEY CHECK (length(call) BETWEEN 1 AND 64),
    lease   TEXT    NOT NULL REFERENCES lease (id),
    account INTEGER NOT NULL REFERENCES account (id),
    key     TEXT    NOT NULL,
    amount  INTEGER NOT NULL CHECK (amount >= 0),
    posted  INTEGER NOT NULL CHECK (posted BETWEEN 0 AND amount),
    state   TEXT    NOT NULL CHECK (state IN ('open', 'posted', 'released', 'expired')),
    CHECK (state = 'posted' OR posted = 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX hold_by_lease ON hold (lease);

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

CREATE TABLE receipt (
    call    TEXT    NOT NULL PRIMARY KEY REFERENCES hold (call),
    account INTEGER NOT NULL REFERENCES account (id),
    key     TEXT    NOT NULL,
    model   TEXT    NOT NULL,
    status  TEXT    NOT NULL CHECK (status IN ('done', 'client_gone', 'failed', 'interrupted')),
    at      INTEGER NOT NULL,
    hour    INTEGER NOT NULL CHECK (hour = at - ((at % 3600) + 3600) % 3600),
    cost    INTEGER NOT NULL CHECK (cost >= 0),
    charged INTEGER NOT NULL CHECK (charged >= 0),
    lost    INTEGER NOT NULL CHECK (lost >= 0 AND charged + lost = cost)
) STRICT, WITHOUT ROWID;

CREATE INDEX receipt_by_hour ON receipt (hour, account, key, model);
CREATE INDEX receipt_by_account ON receipt (account, at);

CREATE TABLE attempt (
    call         TEXT    NOT NULL REFERENCES receipt (call),
    attempt      INTEGER NOT NULL CHECK (attempt >= 0),
    provider     TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    rate_version TEXT    NOT NULL,
    outcome      TEXT    NOT NULL CHECK (outcome IN
                     ('done', 'failed_billed', 'failed_unbilled', 'interrupted')),
    estimated    INTEGER NOT NULL CHECK (estimated IN (0, 1)),
    quantity_max INTEGER NOT NULL CHECK (quantity_max >= 0),
    cost         INTEGER NOT NULL CHECK (cost >= 0),
    PRIMARY KEY (call, attempt),
    CHECK (outcome <> 'failed_unbilled' OR cost = 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE line (
    call     TEXT    NOT NULL,
    attempt  INTEGER NOT NULL,
    bucket   TEXT    NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    price    INTEGER NOT NULL CHECK (price >= 0),
    amount   INTEGER NOT NULL CHECK (amount = quantity * price),
    PRIMARY KEY (call, attempt, bucket),
    FOREIGN KEY (call, attempt) REFERENCES attempt (call, attempt)
) STRICT, WITHOUT ROWID;

-- What receipts of an hour come to, kept as they land.
CREATE TABLE usage_hour (
    hour    INTEGER NOT NULL CHECK (hour % 3600 = 0),
    account INTEGER NOT NULL REFERENCES account (id),
    key     TEXT    NOT NULL,
    model   TEXT    NOT NULL,
    calls   INTEGER NOT NULL CHECK (calls > 0),
    cost    INTEGER NOT NULL CHECK (cost >= 0),
    charged INTEGER NOT NULL CHECK (charged >= 0),
    lost    INTEGER NOT NULL CHECK (lost >= 0),
    PRIMARY KEY (hour, account, key, model)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_hour_by_key ON usage_hour (key, hour, charged);

CREATE TABLE idempotency (
    account     INTEGER NOT NULL REFERENCES account (id),
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    state       TEXT    NOT NULL CHECK (state IN ('in_flight', 'answered')),
    answer      BLOB    CHECK ((answer IS NULL) = (state = 'in_flight')),
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
