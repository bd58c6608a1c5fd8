-- Payments through a provider of payments, what their payers take back, and accounts whose calls
-- are refused for it.

-- A payment that was asked for. `external` is the provider's id for it, `url` where it is paid.
CREATE TABLE checkout (
    id       TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    account  INTEGER NOT NULL REFERENCES account (id),
    provider TEXT    NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount > 0),
    fee      INTEGER NOT NULL CHECK (fee >= 0),
    asked_at INTEGER NOT NULL,
    external TEXT,
    url      TEXT,
    state    TEXT    NOT NULL CHECK (state IN ('open', 'paid', 'failed', 'expired')),
    CHECK (state <> 'paid' OR external IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- A payment that was made. Of its amount so much went back at the customer's cost (`taken`) and at
-- the operator's (`lost`), and of its fee `fee_taken`.
CREATE TABLE payment (
    provider  TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    checkout  TEXT    NOT NULL UNIQUE REFERENCES checkout (id),
    account   INTEGER NOT NULL REFERENCES account (id),
    amount    INTEGER NOT NULL CHECK (amount > 0),
    fee       INTEGER NOT NULL CHECK (fee >= 0),
    taken     INTEGER NOT NULL CHECK (taken >= 0),
    lost      INTEGER NOT NULL CHECK (lost >= 0),
    fee_taken INTEGER NOT NULL CHECK (fee_taken BETWEEN 0 AND fee),
    PRIMARY KEY (provider, id),
    CHECK (taken + lost <= amount)
) STRICT, WITHOUT ROWID;

CREATE INDEX payment_by_loss ON payment (account) WHERE lost > 0;

-- What the provider says that a payer takes back. It may come before the payment itself.
CREATE TABLE claim (
    provider TEXT    NOT NULL,
    payment  TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    stage    INTEGER NOT NULL,
    due      INTEGER NOT NULL CHECK (due >= 0),
    PRIMARY KEY (provider, payment, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE frozen (
    account INTEGER NOT NULL PRIMARY KEY REFERENCES account (id),
    at      INTEGER NOT NULL,
    reason  TEXT    NOT NULL
) STRICT;

-- A key ring refuses the calls of frozen accounts.
CREATE TRIGGER account_frozen AFTER INSERT ON frozen
BEGIN UPDATE key_revision SET value = value + 1; END;
CREATE TRIGGER account_thawed AFTER DELETE ON frozen
BEGIN UPDATE key_revision SET value = value + 1; END;

-- Promotional credit by when it ends, for whoever ends it.
CREATE INDEX lot_by_end ON lot (expires_at) WHERE rest > 0;
