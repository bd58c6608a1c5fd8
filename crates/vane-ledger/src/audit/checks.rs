//! What a query can prove: each finds a row that must not be there.
//!
//! Every query is the same text for either database: sums are cast, for PostgreSQL's are wider. It
//! answers the name of the row and, where the check is of amounts, what it says and what it should. It groups along an index, so that the database holds no more than one group.

use crate::store;

pub(super) struct Check<Sql = &'static str> {
    pub(super) invariant: u8,
    /// What is wrong with the row that is found.
    pub(super) says: &'static str,
    pub(super) sql: Sql,
}

const fn check(invariant: u8, says: &'static str, sql: &'static str) -> Check {
    Check {
        invariant,
        says,
        sql,
    }
}

/// Where several processes serve one database.
pub(super) fn unswept() -> Check<String> {
    Check {
        invariant: 13,
        says: "somebody was asked for it in a process that is gone, and nobody has settled it",
        sql: store::unswept(),
    }
}

/// Names what a mix of sums found to be wrong.
pub(super) const USAGE: Check = check(
    1,
    "its entries do not sum to zero with its receipts",
    "SELECT 'transaction ' || t.n, CAST(coalesce(sum(e.amount), 0) AS BIGINT),
         CAST(coalesce(r.charged, 0) AS BIGINT)
     FROM txn t LEFT JOIN entry e ON e.txn = t.n
     LEFT JOIN (SELECT txn, sum(charged) AS charged FROM receipt GROUP BY txn) r
     ON r.txn = t.n WHERE t.kind = 'usage' GROUP BY t.n, r.charged
     HAVING coalesce(sum(e.amount), 0) <> coalesce(r.charged, 0) LIMIT 1",
);

pub(super) const CHECKS: &[Check] = &[
    check(
        1,
        "its entries do not sum to zero",
        "SELECT 'transaction ' || t.n, CAST(coalesce(sum(e.amount), 0) AS BIGINT),
             CAST(0 AS BIGINT)
         FROM txn t LEFT JOIN entry e ON e.txn = t.n WHERE t.kind <> 'usage' GROUP BY t.n
         HAVING count(e.book) < 2 OR sum(e.amount) <> 0 LIMIT 1",
    ),
    check(
        1,
        "it is of usage and has other entries than what is owed and lost",
        "SELECT 'transaction ' || t.n
         FROM txn t LEFT JOIN entry e ON e.txn = t.n WHERE t.kind = 'usage' GROUP BY t.n
         HAVING sum(CASE e.book % 8 WHEN 2 THEN 1 ELSE 0 END) <> 1
             OR sum(CASE e.book % 8 WHEN 3 THEN 1 ELSE 0 END) > 1
             OR sum(CASE WHEN e.book % 8 IN (2, 3) THEN 0 ELSE 1 END) > 0 LIMIT 1",
    ),
    check(
        1,
        "its book is missing",
        "SELECT 'entry ' || seq || ' of book ' || book FROM entry
         WHERE NOT EXISTS (SELECT 1 FROM book b WHERE b.id = entry.book) LIMIT 1",
    ),
    check(
        2,
        "it has no book",
        "SELECT 'account ' || name FROM account a WHERE NOT EXISTS
         (SELECT 1 FROM book b WHERE b.id = a.id * 8 AND b.kind = 'customer' AND b.owner = a.id
          AND b.prepaid = CASE a.kind WHEN 'prepaid' THEN 1 ELSE 0 END) LIMIT 1",
    ),
    check(
        3,
        "more is spent of it than was lent",
        "SELECT 'lease ' || id, spent, amount FROM lease
         WHERE spent > amount OR spent < 0 LIMIT 1",
    ),
    check(
        3,
        "it was returned and still lends",
        "SELECT 'lease ' || id, amount, spent FROM lease
         WHERE state <> 'open' AND amount <> spent LIMIT 1",
    ),
    check(
        3,
        "its account is missing",
        "SELECT 'lease ' || id FROM lease
         WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.id = lease.account) LIMIT 1",
    ),
    check(
        3,
        "what is held of it is not the rest of its leases",
        "SELECT b.kind || ' ' || coalesce(a.name, CAST(b.owner AS TEXT)), b.held,
             CAST(coalesce(l.rest, 0) AS BIGINT)
         FROM book b LEFT JOIN account a ON a.id = b.owner AND b.kind = 'customer'
         LEFT JOIN (SELECT account, sum(amount - spent) AS rest FROM lease
             WHERE state = 'open' GROUP BY account) l
             ON l.account = b.owner AND b.kind = 'customer'
         WHERE b.held <> coalesce(l.rest, 0) LIMIT 1",
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
        "SELECT a.name, b.promotional, CAST(coalesce(sum(l.rest), 0) AS BIGINT)
         FROM book b JOIN account a ON a.id = b.owner
         LEFT JOIN lot l ON l.account = a.id AND l.rest > 0
         WHERE b.kind = 'customer' GROUP BY b.id, a.name, b.promotional
         HAVING b.promotional <> coalesce(sum(l.rest), 0) LIMIT 1",
    ),
    check(
        4,
        "more or less is left of it than can be, or it is not what was granted",
        "SELECT 'promotional credit ' || l.id, l.rest, l.amount FROM lot l
         WHERE l.rest < 0 OR l.rest > l.amount OR NOT EXISTS
         (SELECT 1 FROM txn t JOIN entry e ON e.txn = t.n WHERE t.id = l.id
          AND t.kind = 'promotion' AND e.book = l.account * 8 AND e.amount = l.amount) LIMIT 1",
    ),
    check(
        6,
        "it has ended and stands among the open calls",
        "SELECT 'call ' || o.call FROM open_call o
         JOIN receipt r ON r.call = o.call LIMIT 1",
    ),
    check(
        5,
        "it has a receipt again, after that of it was removed",
        "SELECT 'call ' || g.call FROM gone_call g
         JOIN receipt r ON r.call = g.call LIMIT 1",
    ),
    check(
        6,
        "its receipt was removed, and it stands among the open calls",
        "SELECT 'call ' || o.call FROM open_call o
         JOIN gone_call g ON g.call = o.call LIMIT 1",
    ),
    check(
        15,
        "it opens a book that is not there",
        "SELECT 'opening ' || o.book FROM opening o
         WHERE NOT EXISTS (SELECT 1 FROM book b WHERE b.id = o.book) LIMIT 1",
    ),
    check(
        13,
        "it runs in a life that never began",
        "SELECT 'call ' || o.call FROM open_call o
         WHERE NOT EXISTS (SELECT 1 FROM instance i
             WHERE i.id = o.instance AND i.epoch >= o.epoch) LIMIT 1",
    ),
    check(
        13,
        "somebody was asked for it in a life that is over, and it was never settled",
        "SELECT 'call ' || o.call FROM open_call o
         JOIN instance i ON i.id = o.instance WHERE o.epoch < i.cleared LIMIT 1",
    ),
    check(
        5,
        "it made two transactions",
        "SELECT 'operation ' || id FROM txn WHERE id IS NOT NULL
         GROUP BY id HAVING count(*) > 1 LIMIT 1",
    ),
    check(
        5,
        "it has two entries in one book",
        "SELECT 'transaction ' || txn FROM entry
         GROUP BY txn, book HAVING count(*) > 1 LIMIT 1",
    ),
    check(
        10,
        "it was credited twice",
        "SELECT 'top-up ' || external || ' of ' || provider FROM topup
         GROUP BY provider, external HAVING count(*) > 1 LIMIT 1",
    ),
    check(
        10,
        "it is not what was credited",
        "SELECT 'top-up ' || p.external || ' of ' || p.provider FROM topup p
         WHERE NOT EXISTS (SELECT 1 FROM entry e JOIN txn t ON t.n = e.txn
             WHERE e.txn = p.txn AND t.kind = 'top_up' AND e.book = p.account * 8
             AND e.amount = p.amount) LIMIT 1",
    ),
    check(
        10,
        "it credits a payment that is not there, or shares one",
        "SELECT 'transaction ' || t.n FROM txn t
         LEFT JOIN topup p ON p.txn = t.n WHERE t.kind = 'top_up'
         GROUP BY t.n HAVING count(p.txn) <> 1 LIMIT 1",
    ),
    check(
        12,
        "it is not what was asked for and credited",
        "SELECT 'payment ' || p.id || ' of ' || p.provider FROM payment p
         WHERE NOT EXISTS (SELECT 1 FROM checkout c JOIN topup t
             ON t.provider = c.provider AND t.external = c.external
             WHERE c.id = p.checkout AND c.state = 'paid' AND c.provider = p.provider
             AND c.account = p.account AND c.amount = p.amount AND c.fee = p.fee
             AND t.account = p.account AND t.amount = p.amount) LIMIT 1",
    ),
    check(
        12,
        "it stands as paid and was not",
        "SELECT 'checkout ' || c.id FROM checkout c WHERE c.state = 'paid'
         AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.checkout = c.id) LIMIT 1",
    ),
    check(
        12,
        "what went back of it is not what its claims come to",
        "SELECT name, says, CAST(should AS BIGINT) FROM
         (SELECT 'payment ' || p.id || ' of ' || p.provider AS name,
             p.taken + p.lost + p.fee_taken AS says,
             CASE WHEN coalesce(c.due, 0) < p.amount + p.fee THEN coalesce(c.due, 0)
                 ELSE p.amount + p.fee END AS should
         FROM payment p LEFT JOIN (SELECT provider, payment, sum(due) AS due FROM claim
             GROUP BY provider, payment) c ON c.provider = p.provider AND c.payment = p.id) found
         WHERE says <> should LIMIT 1",
    ),
    check(
        12,
        "what payments took back of it is not what its entries say",
        "SELECT name, CAST(says AS BIGINT), CAST(should AS BIGINT) FROM
         (SELECT a.name AS name,
             coalesce((SELECT sum(p.taken) FROM payment p WHERE p.account = a.id), 0) AS says,
             coalesce((SELECT -sum(e.amount) FROM entry e JOIN txn t ON t.n = e.txn
                 WHERE e.book = a.id * 8 AND t.kind = 'reversal'), 0) AS should
         FROM account a) found WHERE says <> should LIMIT 1",
    ),
    check(
        12,
        "they are not what payments say",
        "SELECT name, CAST(says AS BIGINT), CAST(should AS BIGINT) FROM
         (SELECT 'losses by payments' AS name,
             (SELECT coalesce(sum(lost), 0) FROM payment) AS says,
             (SELECT coalesce(-sum(e.amount), 0) FROM entry e JOIN txn t ON t.n = e.txn
                 WHERE e.book % 8 = 3 AND t.kind = 'reversal') AS should) found
         WHERE says <> should",
    ),
    check(
        12,
        "they are not what payments say",
        "SELECT name, CAST(says AS BIGINT), CAST(should AS BIGINT) FROM
         (SELECT 'fees of top-ups' AS name,
             (SELECT coalesce(sum(fee - fee_taken), 0) FROM payment) AS says,
             (SELECT coalesce(sum(posted), 0) FROM book WHERE kind = 'top_up_fee') AS should) found
         WHERE says <> should",
    ),
];
