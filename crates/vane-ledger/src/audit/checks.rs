//! What a query can prove: each finds a row that must not be there.
//!
//! A query answers the name of the row and, where the check is of amounts, what it says and what it
//! should say. It groups along an index, so that the database holds no more than one group.

pub(super) struct Check {
    pub(super) invariant: u8,
    /// What is wrong with the row that is found.
    pub(super) says: &'static str,
    pub(super) sql: &'static str,
}

const fn check(invariant: u8, says: &'static str, sql: &'static str) -> Check {
    Check {
        invariant,
        says,
        sql,
    }
}

pub(super) const CHECKS: &[Check] = &[
    check(
        1,
        "its entries do not sum to zero",
        "SELECT 'transaction ' || t.id, coalesce(sum(e.amount), 0), 0
         FROM txn t LEFT JOIN entry e ON e.txn = t.id GROUP BY t.id
         HAVING count(e.book) < 2 OR sum(e.amount) <> 0 LIMIT 1",
    ),
    check(
        1,
        "its book is missing",
        "SELECT 'entry ' || seq || ' of book ' || book, NULL, NULL FROM entry
         WHERE NOT EXISTS (SELECT 1 FROM book b WHERE b.id = entry.book) LIMIT 1",
    ),
    check(
        2,
        "it has no book",
        "SELECT 'account ' || name, NULL, NULL FROM account a WHERE NOT EXISTS
         (SELECT 1 FROM book b WHERE b.id = a.id * 8 AND b.kind = 'customer' AND b.owner = a.id
          AND b.prepaid = (a.kind = 'prepaid')) LIMIT 1",
    ),
    check(
        3,
        "more is spent and held of it than was lent",
        "SELECT 'lease ' || id, spent + open, amount FROM lease
         WHERE spent + open > amount OR spent < 0 OR open < 0 LIMIT 1",
    ),
    check(
        3,
        "what is held of it is not the sum of its open holds",
        "SELECT 'lease ' || l.id, l.open,
             coalesce(sum(CASE h.state WHEN 'open' THEN h.amount ELSE 0 END), 0) AS should
         FROM lease l LEFT JOIN hold h ON h.lease = l.id GROUP BY l.id
         HAVING l.open <> should LIMIT 1",
    ),
    check(
        3,
        "what is spent of it is not the sum of its settled holds",
        "SELECT 'lease ' || l.id, l.spent, coalesce(sum(h.posted), 0) AS should
         FROM lease l LEFT JOIN hold h ON h.lease = l.id GROUP BY l.id
         HAVING l.spent <> should LIMIT 1",
    ),
    check(
        3,
        "it was returned and still lends",
        "SELECT 'lease ' || id, amount, spent + open FROM lease
         WHERE state = 'returned' AND amount <> spent + open LIMIT 1",
    ),
    check(
        3,
        "its lease is missing, or of another account or key",
        "SELECT 'hold of call ' || h.call, NULL, NULL FROM hold h
         LEFT JOIN lease l ON l.id = h.lease WHERE l.id IS NULL
         OR l.account <> h.account OR coalesce(l.key, h.key) <> h.key LIMIT 1",
    ),
    check(
        3,
        "what is held of it is not the rest of its leases",
        "SELECT b.kind || ' ' || coalesce(a.name, b.owner), b.held, CASE b.kind
             WHEN 'customer' THEN (SELECT coalesce(sum(l.amount - l.spent), 0) FROM lease l
                 WHERE l.account = b.owner AND l.amount > l.spent) ELSE 0 END AS should
         FROM book b LEFT JOIN account a ON a.id = b.owner AND b.kind = 'customer'
         WHERE b.held <> should LIMIT 1",
    ),
    check(
        4,
        "more of a prepaid balance is held than there is",
        "SELECT a.name, b.held, b.posted FROM book b JOIN account a ON a.id = b.owner
         WHERE b.kind = 'customer' AND a.kind = 'prepaid' AND b.posted < b.held LIMIT 1",
    ),
    check(
        4,
        "its promotional credit is not what is left of its lots",
        "SELECT a.name, b.promotional, coalesce(sum(l.rest), 0) AS should
         FROM book b JOIN account a ON a.id = b.owner
         LEFT JOIN lot l ON l.account = a.id AND l.rest > 0
         WHERE b.kind = 'customer' GROUP BY b.id HAVING b.promotional <> should LIMIT 1",
    ),
    check(
        4,
        "more or less is left of it than can be, or it is not what was granted",
        "SELECT 'promotional credit ' || l.id, l.rest, l.amount FROM lot l
         WHERE l.rest < 0 OR l.rest > l.amount OR NOT EXISTS
         (SELECT 1 FROM entry e JOIN txn t ON t.id = e.txn WHERE e.txn = l.id
          AND t.kind = 'promotion' AND e.book = l.account * 8 AND e.amount = l.amount) LIMIT 1",
    ),
    check(
        5,
        "it was paid for twice",
        "SELECT 'call ' || call, NULL, NULL FROM txn WHERE call IS NOT NULL
         GROUP BY call HAVING count(*) > 1 LIMIT 1",
    ),
    check(
        5,
        "an attempt is entered twice in one book",
        "SELECT 'transaction ' || txn, NULL, NULL FROM entry
         GROUP BY txn, book, coalesce(attempt, -1) HAVING count(*) > 1 LIMIT 1",
    ),
    check(
        5,
        "it has no receipt that lists it",
        "SELECT 'attempt ' || e.attempt || ' of call ' || t.call, NULL, NULL
         FROM entry e JOIN txn t ON t.id = e.txn WHERE t.call IS NOT NULL AND NOT EXISTS
         (SELECT 1 FROM attempt p JOIN receipt r ON r.call = p.call WHERE p.call = t.call
          AND p.attempt = e.attempt AND p.rate_version = e.rate_version) LIMIT 1",
    ),
    check(
        6,
        "it has finished and its hold is open or missing",
        "SELECT 'call ' || r.call, NULL, NULL FROM receipt r WHERE NOT EXISTS
         (SELECT 1 FROM hold h WHERE h.call = r.call AND h.state = 'posted'
          AND h.account = r.account AND h.key = r.key) LIMIT 1",
    ),
    check(
        6,
        "its hold is settled and it has no receipt",
        "SELECT 'call ' || h.call, NULL, NULL FROM hold h WHERE h.state = 'posted'
         AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.call = h.call) LIMIT 1",
    ),
    check(
        6,
        "what was spent of its hold is not what it was charged, up to the hold",
        "SELECT 'call ' || h.call, h.posted, min(h.amount, r.charged)
         FROM hold h JOIN receipt r ON r.call = h.call
         WHERE h.posted <> min(h.amount, r.charged) LIMIT 1",
    ),
    check(
        7,
        "a line does not come to its quantity times its price",
        "SELECT 'call ' || call, amount, quantity * price FROM line
         WHERE amount <> quantity * price LIMIT 1",
    ),
    check(
        7,
        "a price was never one of its rate version",
        "SELECT 'call ' || l.call, NULL, NULL FROM line l
         LEFT JOIN attempt p ON p.call = l.call AND p.attempt = l.attempt
         LEFT JOIN rate r ON r.version = p.rate_version AND r.provider = p.provider
             AND r.model = p.model AND r.bucket = l.bucket AND r.price = l.price
         WHERE r.version IS NULL LIMIT 1",
    ),
    check(
        7,
        "the cost of an attempt is not the sum of its lines",
        "SELECT 'call ' || p.call, p.cost, coalesce(sum(l.amount), 0) AS should
         FROM attempt p LEFT JOIN line l ON l.call = p.call AND l.attempt = p.attempt
         GROUP BY p.call, p.attempt HAVING p.cost <> should LIMIT 1",
    ),
    check(
        7,
        "the receipt's cost is not the sum of its attempts",
        "SELECT 'call ' || r.call, r.cost, coalesce(sum(p.cost), 0) AS should
         FROM receipt r LEFT JOIN attempt p ON p.call = r.call
         GROUP BY r.call HAVING r.cost <> should LIMIT 1",
    ),
    check(
        7,
        "what it was charged is not what its account paid",
        "SELECT 'call ' || r.call, r.charged, -coalesce(sum(e.amount), 0) AS should
         FROM receipt r LEFT JOIN txn t ON t.call = r.call
         LEFT JOIN entry e ON e.txn = t.id AND e.book = r.account * 8
         GROUP BY r.call HAVING r.charged <> should LIMIT 1",
    ),
    check(
        7,
        "what was lost on it is not what the operator paid",
        "SELECT 'call ' || r.call, r.lost, -coalesce(sum(e.amount), 0) AS should
         FROM receipt r LEFT JOIN txn t ON t.call = r.call
         LEFT JOIN entry e ON e.txn = t.id AND e.book % 8 = 3
         GROUP BY r.call HAVING r.lost <> should LIMIT 1",
    ),
    check(
        7,
        "a line of its receipt is not the quantity that was entered",
        "SELECT 'call ' || l.call, NULL, NULL FROM line l
         LEFT JOIN txn t ON t.call = l.call
         LEFT JOIN entry e ON e.txn = t.id AND e.attempt = l.attempt
         WHERE e.book IS NULL OR instr(' ' || e.quantities || ' ',
             ' ' || l.bucket || ':' || l.quantity || '@' || l.price || ' ') = 0 LIMIT 1",
    ),
    check(
        8,
        "a quantity is more than its model can read and write, or none",
        "SELECT 'call ' || l.call, NULL, NULL FROM line l
         JOIN attempt p ON p.call = l.call AND p.attempt = l.attempt
         WHERE l.quantity <= 0 OR l.quantity > p.quantity_max LIMIT 1",
    ),
    check(
        10,
        "it was credited twice",
        "SELECT 'top-up ' || external || ' of ' || provider, NULL, NULL FROM topup
         GROUP BY provider, external HAVING count(*) > 1 LIMIT 1",
    ),
    check(
        10,
        "it is not what was credited",
        "SELECT 'top-up ' || p.external || ' of ' || p.provider, NULL, NULL FROM topup p
         WHERE NOT EXISTS (SELECT 1 FROM entry e JOIN txn t ON t.id = e.txn
             WHERE e.txn = p.txn AND t.kind = 'top_up' AND e.book = p.account * 8
             AND e.amount = p.amount) LIMIT 1",
    ),
    check(
        10,
        "it credits a payment that is not there, or shares one",
        "SELECT 'transaction ' || t.id, NULL, NULL FROM txn t
         LEFT JOIN topup p ON p.txn = t.id WHERE t.kind = 'top_up'
         GROUP BY t.id HAVING count(p.txn) <> 1 LIMIT 1",
    ),
    check(
        2,
        "what its receipts come to is not in the usage by hour",
        "SELECT 'hour ' || r.hour || ', account ' || r.account || ', model ' || r.model,
             coalesce(u.charged, 0), sum(r.charged)
         FROM receipt r LEFT JOIN usage_hour u ON u.hour = r.hour AND u.account = r.account
             AND u.key = r.key AND u.model = r.model
         GROUP BY r.hour, r.account, r.key, r.model
         HAVING u.hour IS NULL OR u.calls <> count(*) OR u.cost <> sum(r.cost)
             OR u.charged <> sum(r.charged) OR u.lost <> sum(r.lost) LIMIT 1",
    ),
    check(
        2,
        "the usage by hour has no receipts",
        "SELECT 'hour ' || u.hour || ', account ' || u.account || ', model ' || u.model,
             u.charged, 0 FROM usage_hour u WHERE NOT EXISTS
         (SELECT 1 FROM receipt r WHERE r.hour = u.hour AND r.account = u.account
          AND r.key = u.key AND r.model = u.model) LIMIT 1",
    ),
];
