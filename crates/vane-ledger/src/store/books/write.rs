//! Statements that write the books.

use rusqlite::Params;

use super::Kept;
use crate::book::{Book, Budget, Held, Lent, Lot, Receipt, Row, TopUp, Txn, hour_of};
use crate::error::LedgerError;

const BOOK: &str = "INSERT INTO book
    (id, kind, owner, prepaid, posted, held, promotional, entries, head)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (id) DO UPDATE SET posted = excluded.posted, held = excluded.held,
    promotional = excluded.promotional, entries = excluded.entries, head = excluded.head";
const TXN: &str = "INSERT INTO txn (id, kind, call, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)";
const ENTRY: &str = "INSERT INTO entry
    (book, seq, txn, amount, attempt, rate_version, quantities, previous, hash)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const LEASE: &str = "INSERT INTO lease
    (id, account, key, instance, epoch, amount, spent, open, until, state)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, spent = excluded.spent,
    open = excluded.open, state = excluded.state";
const HOLD: &str = "INSERT INTO hold (call, lease, account, key, amount, posted, state)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (call) DO UPDATE SET amount = excluded.amount, posted = excluded.posted,
    state = excluded.state";
const LOT: &str = "INSERT INTO lot (id, account, amount, rest, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET rest = excluded.rest";
const BUDGET: &str = "INSERT INTO budget (key, amount, period) VALUES (?1, ?2, ?3)
    ON CONFLICT (key) DO UPDATE SET amount = excluded.amount, period = excluded.period";
const TOPUP: &str = "INSERT INTO topup (provider, external, txn, account, amount)
    VALUES (?1, ?2, ?3, ?4, ?5)";
const RECEIPT: &str = "INSERT INTO receipt
    (call, account, key, model, status, at, hour, cost, charged, lost)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const ATTEMPT: &str = "INSERT INTO attempt
    (call, attempt, provider, model, rate_version, outcome, estimated, quantity_max, cost)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const LINE: &str = "INSERT INTO line (call, attempt, bucket, quantity, price, amount)
    VALUES (?1, ?2, ?3, ?4, ?5, ?4 * ?5)";
const RATE: &str = "INSERT INTO rate (version, provider, model, bucket, price)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
const USAGE_HOUR: &str = "INSERT INTO usage_hour
    (hour, account, key, model, calls, cost, charged, lost)
    VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7)
    ON CONFLICT (hour, account, key, model) DO UPDATE SET calls = usage_hour.calls + 1,
    cost = usage_hour.cost + excluded.cost, charged = usage_hour.charged + excluded.charged,
    lost = usage_hour.lost + excluded.lost";

impl Kept<'_> {
    pub(super) fn put(&self, row: &Row) -> Result<(), LedgerError> {
        match row {
            Row::Book(book) => self.put_book(book),
            Row::Txn(txn) => self.put_txn(txn),
            Row::Lease(lent) => self.put_lease(lent),
            Row::Hold(held) => self.put_hold(held),
            Row::Lot(lot) => self.put_lot(lot),
            Row::Budget(Budget {
                key,
                amount,
                period,
            }) => self.execute(BUDGET, (key, amount.pico(), period.as_str())),
            Row::TopUp(topup) => self.put_topup(topup),
            Row::Receipt(receipt) => self.put_receipt(receipt),
        }
    }

    fn execute(&self, sql: &str, params: impl Params) -> Result<(), LedgerError> {
        self.0.prepare_cached(sql)?.execute(params)?;
        Ok(())
    }

    fn put_book(&self, book: &Book) -> Result<(), LedgerError> {
        let row = (
            book.id().0,
            book.kind.as_str(),
            book.owner,
            book.prepaid,
            book.posted.pico(),
            book.held.pico(),
            book.promotional.pico(),
            book.entries,
            book.head,
        );
        self.execute(BOOK, row)
    }

    fn put_txn(&self, txn: &Txn) -> Result<(), LedgerError> {
        let row = (&txn.id, txn.kind.as_str(), &txn.call, &txn.reason, txn.at);
        self.execute(TXN, row)?;
        for entry in &txn.entries {
            let usage = entry.usage.as_ref();
            let row = (
                entry.book.0,
                entry.seq,
                &txn.id,
                entry.amount.pico(),
                usage.map(|usage| usage.attempt),
                usage.map(|usage| &usage.rate_version),
                usage.map(|usage| &usage.quantities),
                entry.previous,
                entry.hash,
            );
            self.execute(ENTRY, row)?;
        }
        Ok(())
    }

    fn put_lease(&self, lent: &Lent) -> Result<(), LedgerError> {
        let row = (
            &lent.id,
            lent.account.0,
            &lent.key,
            lent.instance,
            lent.epoch,
            lent.amount.pico(),
            lent.spent.pico(),
            lent.open.pico(),
            lent.until,
            if lent.returned { "returned" } else { "open" },
        );
        self.execute(LEASE, row)
    }

    fn put_hold(&self, held: &Held) -> Result<(), LedgerError> {
        let row = (
            &held.call,
            &held.lease,
            held.account.0,
            &held.key,
            held.amount.pico(),
            held.posted.pico(),
            held.state,
        );
        self.execute(HOLD, row)
    }

    fn put_lot(&self, lot: &Lot) -> Result<(), LedgerError> {
        let (amount, rest) = (lot.amount.pico(), lot.rest.pico());
        self.execute(LOT, (&lot.id, lot.account.0, amount, rest, lot.expires_at))
    }

    fn put_topup(&self, topup: &TopUp) -> Result<(), LedgerError> {
        let TopUp {
            provider,
            external,
            txn,
            account,
            amount,
        } = topup;
        self.execute(TOPUP, (provider, external, txn, account.0, amount.pico()))
    }

    fn put_receipt(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        let settled = &receipt.settlement;
        let (call, model) = (&settled.call, &settled.model);
        let (account, hour) = (receipt.account.0, hour_of(receipt.at));
        let [cost, charged, lost] =
            [receipt.cost, receipt.charged, receipt.lost].map(vane_catalog::Money::pico);
        let row = (
            call,
            account,
            &receipt.key,
            model,
            settled.status.as_str(),
            receipt.at,
            hour,
            cost,
            charged,
            lost,
        );
        self.execute(RECEIPT, row)?;
        self.put_attempts(receipt)?;
        let row = (hour, account, &receipt.key, model, cost, charged, lost);
        self.execute(USAGE_HOUR, row)
    }

    fn put_attempts(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        let call = &receipt.settlement.call;
        for (number, attempt, cost) in receipt.attempts() {
            let (provider, model) = (&attempt.provider, &attempt.model);
            let row = (
                call,
                number,
                provider,
                model,
                &attempt.rate_version,
                attempt.outcome.as_str(),
                attempt.estimated,
                integer(attempt.quantity_max)?,
                cost.pico(),
            );
            self.execute(ATTEMPT, row)?;
            for line in &attempt.lines {
                let (bucket, price) = (&line.bucket, line.price.pico());
                let quantity = integer(line.quantity)?;
                self.execute(LINE, (call, number, bucket, quantity, price))?;
                self.execute(
                    RATE,
                    (&attempt.rate_version, provider, model, bucket, price),
                )?;
            }
        }
        Ok(())
    }
}

/// A quantity that was decided upon fits.
fn integer(quantity: u64) -> Result<i64, LedgerError> {
    i64::try_from(quantity).map_err(|_| LedgerError::Unreadable { what: "quantity" })
}
