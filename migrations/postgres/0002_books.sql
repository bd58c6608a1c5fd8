-- The books: balances, immutable entries and receipts, money lent to replicas. Money is whole
-- pico-dollars, times are unix seconds, ids are text that their makers keep unique.

-- `id` is owner * 8 + the number of the kind; the owner of a customer's book is its account, that
-- of a system's book the instance that writes it, so that no replica waits for another.
-- `receipt` is the newest receipt of its chain: no index has to find it.
CREATE TABLE book (
    id          BIGINT PRIMARY KEY,
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN
                    ('customer', 'cash_in', 'provider_payable', 'operator_loss', 'promotion',
                     'top_up_fee')),
    owner       BIGINT NOT NULL CHECK (owner >= 0),
    prepaid     BIGINT NOT NULL CHECK (prepaid IN (0, 1)),
    posted      BIGINT NOT NULL,
    held        BIGINT NOT NULL CHECK (held >= 0),
    promotional BIGINT NOT NULL CHECK (promotional >= 0),
    entries     BIGINT NOT NULL,
    receipt     BIGINT NOT NULL,
    head        BYTEA  NOT NULL CHECK (length(head) = 32),
    UNIQUE (kind, owner),
    CHECK (prepaid = 0 OR (kind = 'customer' AND posted - held >= 0)),
    CHECK (kind = 'customer' OR (held = 0 AND promotional = 0 AND receipt = 0))
);

INSERT INTO book (id, kind, owner, prepaid, posted, held, promotional, entries, receipt, head)
SELECT id * 8, 'customer', id, CASE kind WHEN 'prepaid' THEN 1 ELSE 0 END, 0, 0, 0, 0, 0,
    decode(repeat('00', 32), 'hex') FROM account;

-- A commit takes numbers for as many receipts and transactions as it may need, at once: a payment
-- has two transactions, its own and that of the usage before it.
CREATE SEQUENCE receipt_n INCREMENT BY 16384;
CREATE SEQUENCE txn_n INCREMENT BY 16384;

-- Usage is one transaction for each commit of an instance; its customers' legs are receipts.
CREATE TABLE txn (
    n      BIGINT PRIMARY KEY,
    id     TEXT COLLATE "C" UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    kind   TEXT COLLATE "C" NOT NULL CHECK (kind IN
               ('grant', 'top_up', 'promotion', 'refund', 'expiry', 'reversal', 'usage')),
    reason TEXT COLLATE "C" NOT NULL,
    at     BIGINT NOT NULL,
    CHECK ((id IS NULL) = (kind = 'usage'))
);

CREATE TABLE entry (
    book    BIGINT NOT NULL REFERENCES book (id),
    seq     BIGINT NOT NULL CHECK (seq >= 1),
    txn     BIGINT NOT NULL REFERENCES txn (n),
    amount  BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    receipt BIGINT NOT NULL CHECK (receipt >= 0),
    hash    BYTEA  NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (book, seq)
);

CREATE UNIQUE INDEX entry_by_txn ON entry (txn, book);

-- One call, one row: what it used and cost, and its customer's entry of -charged. `before` is the
-- account's receipt before it, so that pages of the newest need no index. `details` is
-- what is only read together: key, hold, model, status, attempts with their prices, most to pay and
-- what was reported, in the form that its first byte names (`book/receipt.rs`). There are no foreign
-- keys: the audit follows them.
CREATE TABLE receipt (
    n        BIGINT PRIMARY KEY,
    call     TEXT COLLATE "C" NOT NULL UNIQUE,
    account  BIGINT NOT NULL,
    txn      BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    before   BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    cost     BIGINT NOT NULL,
    charged  BIGINT NOT NULL CHECK (charged BETWEEN 0 AND cost),
    spent    BIGINT NOT NULL,
    balance  BIGINT NOT NULL,
    hash     BYTEA NOT NULL,
    details  BYTEA NOT NULL
);

CREATE FUNCTION immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed or removed', TG_TABLE_NAME;
END $$;

CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE ON entry
FOR EACH ROW EXECUTE FUNCTION immutable();
CREATE TRIGGER txn_stays BEFORE UPDATE OR DELETE ON txn
FOR EACH ROW EXECUTE FUNCTION immutable();
CREATE TRIGGER receipt_stays BEFORE UPDATE OR DELETE ON receipt
FOR EACH ROW EXECUTE FUNCTION immutable();

-- Promotional credit, spent before paid credit and first what ends first. Its id is that of the
-- operation that granted it.
CREATE TABLE lot (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES txn (id),
    account    BIGINT NOT NULL REFERENCES account (id),
    amount     BIGINT NOT NULL CHECK (amount > 0),
    rest       BIGINT NOT NULL CHECK (rest BETWEEN 0 AND amount),
    expires_at BIGINT NOT NULL
);

CREATE INDEX lot_by_account ON lot (account, expires_at, id) WHERE rest > 0;

CREATE TABLE topup (
    provider TEXT COLLATE "C" NOT NULL,
    external TEXT COLLATE "C" NOT NULL,
    txn      BIGINT NOT NULL REFERENCES txn (n),
    account  BIGINT NOT NULL REFERENCES account (id),
    amount   BIGINT NOT NULL CHECK (amount > 0)
);

CREATE UNIQUE INDEX topup_once ON topup (provider, external);
CREATE INDEX topup_by_txn ON topup (txn);

-- A running Vane: its journal, its present life, and the record of the journal up to which all is in
-- here. A number belongs to one journal for ever: what comes late is never taken for another's.
-- `lease_until` is when it counts as dead unless it says before that it lives, `seen_since` from when
-- on it has never counted as dead; both in microseconds by the clock of the database, so that no
-- machine's own clock decides over another's money. `recalled` is the last recall that it heeded,
-- `cleared` the life that settled all calls which those before it had left.
CREATE TABLE instance (
    id          BIGINT PRIMARY KEY CHECK (id >= 0),
    journal     TEXT COLLATE "C" UNIQUE CHECK (length(journal) BETWEEN 1 AND 64),
    epoch       BIGINT NOT NULL CHECK (epoch >= 0),
    ingested    BIGINT NOT NULL CHECK (ingested >= 0),
    begun_at    BIGINT NOT NULL,
    lease_until BIGINT NOT NULL DEFAULT 0,
    seen_since  BIGINT NOT NULL DEFAULT 0,
    recalled    BIGINT NOT NULL DEFAULT 0,
    cleared     BIGINT NOT NULL DEFAULT 0
);

-- The last time that a replica lacked money of an account of which others may have some to spare.
CREATE TABLE recall (
    account BIGINT PRIMARY KEY REFERENCES account (id),
    n       BIGINT NOT NULL UNIQUE
);

-- Calls that a journal told of and that had not ended by then, as the life of their instance that
-- told of them last wrote them.
CREATE TABLE open_call (
    instance BIGINT NOT NULL,
    call     TEXT COLLATE "C" NOT NULL,
    epoch    BIGINT NOT NULL,
    state    BYTEA  NOT NULL,
    PRIMARY KEY (instance, call)
);

-- Settlements that could not be entered: nothing that was paid for is forgotten. What a person
-- decides of one is marked: it was entered after all, or dropped for a reason.
CREATE TABLE stray (
    n      BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    op     TEXT COLLATE "C" NOT NULL,
    why    TEXT COLLATE "C" NOT NULL,
    at     BIGINT NOT NULL,
    state  TEXT COLLATE "C" NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'entered', 'dropped')),
    reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    CHECK ((state = 'dropped') = (reason <> ''))
);

CREATE TRIGGER stray_is_kept BEFORE DELETE ON stray
FOR EACH ROW EXECUTE FUNCTION immutable();

-- A slice of a balance, and of a key's budget, that one replica may hold against in memory. No
-- index has `spent`, and pages have room: the row is overwritten in its page by every commit.
CREATE TABLE lease (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    account  BIGINT NOT NULL REFERENCES account (id),
    key      TEXT COLLATE "C",
    instance BIGINT NOT NULL CHECK (instance >= 0),
    epoch    BIGINT NOT NULL CHECK (epoch >= 0),
    amount   BIGINT NOT NULL CHECK (amount >= 0),
    spent    BIGINT NOT NULL CHECK (spent BETWEEN 0 AND amount),
    until    BIGINT NOT NULL,
    state    TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'returned')),
    CHECK (state = 'open' OR spent = amount)
) WITH (fillfactor = 70);

CREATE INDEX lease_by_account ON lease (account) WHERE state = 'open';
CREATE INDEX lease_by_key ON lease (key) WHERE state = 'open';
CREATE INDEX lease_by_instance ON lease (instance) WHERE state = 'open';

CREATE TABLE budget (
    key    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    period TEXT COLLATE "C" NOT NULL CHECK (period IN ('day', 'week', 'month'))
);

-- Every price that was ever billed under a version of rates.
CREATE TABLE rate (
    version  TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    model    TEXT COLLATE "C" NOT NULL,
    bucket   TEXT COLLATE "C" NOT NULL,
    price    BIGINT NOT NULL CHECK (price >= 0),
    PRIMARY KEY (version, provider, model, bucket, price)
);

CREATE TRIGGER rate_stays BEFORE UPDATE ON rate
FOR EACH ROW EXECUTE FUNCTION immutable();

-- What receipts of an hour come to, kept as they land.
-- `cached` is the part of `tokens_in` that was read from a cache.
CREATE TABLE usage_hour (
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
) WITH (fillfactor = 70);

CREATE INDEX usage_hour_by_key ON usage_hour (key, hour);

CREATE TABLE idempotency (
    account     BIGINT NOT NULL REFERENCES account (id),
    key         TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA  NOT NULL CHECK (length(fingerprint) = 32),
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('in_flight', 'answered')),
    answer      BYTEA  CHECK ((answer IS NULL) = (state = 'in_flight')),
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (account, key)
);
