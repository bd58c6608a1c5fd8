-- Payments through a provider of payments, what their payers take back, and accounts whose calls
-- are refused for it.

-- A payment that was asked for. `external` is the provider's id for it, `url` where it is paid.
CREATE TABLE checkout (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    account  BIGINT NOT NULL REFERENCES account (id),
    provider TEXT COLLATE "C" NOT NULL,
    amount   BIGINT NOT NULL CHECK (amount > 0),
    fee      BIGINT NOT NULL CHECK (fee >= 0),
    asked_at BIGINT NOT NULL,
    external TEXT COLLATE "C",
    url      TEXT COLLATE "C",
    state    TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'paid', 'failed', 'expired')),
    CHECK (state <> 'paid' OR external IS NOT NULL)
);

-- A payment that was made. Of its amount so much went back at the customer's cost (`taken`) and at
-- the operator's (`lost`), and of its fee `fee_taken`.
CREATE TABLE payment (
    provider  TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    checkout  TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES checkout (id),
    account   BIGINT NOT NULL REFERENCES account (id),
    amount    BIGINT NOT NULL CHECK (amount > 0),
    fee       BIGINT NOT NULL CHECK (fee >= 0),
    taken     BIGINT NOT NULL CHECK (taken >= 0),
    lost      BIGINT NOT NULL CHECK (lost >= 0),
    fee_taken BIGINT NOT NULL CHECK (fee_taken BETWEEN 0 AND fee),
    PRIMARY KEY (provider, id),
    CHECK (taken + lost <= amount)
);

CREATE INDEX payment_by_loss ON payment (account) WHERE lost > 0;

-- What the provider says that a payer takes back. It may come before the payment itself.
CREATE TABLE claim (
    provider TEXT COLLATE "C" NOT NULL,
    payment  TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    stage    BIGINT NOT NULL,
    due      BIGINT NOT NULL CHECK (due >= 0),
    PRIMARY KEY (provider, payment, id)
);

CREATE TABLE frozen (
    account BIGINT NOT NULL PRIMARY KEY REFERENCES account (id),
    at      BIGINT NOT NULL,
    reason  TEXT COLLATE "C" NOT NULL
);

-- A key ring refuses the calls of frozen accounts.
CREATE TRIGGER account_frozen AFTER INSERT OR DELETE ON frozen
FOR EACH ROW EXECUTE FUNCTION keys_changed();

-- Promotional credit by when it ends, for whoever ends it.
CREATE INDEX lot_by_end ON lot (expires_at) WHERE rest > 0;
