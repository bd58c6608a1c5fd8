//! Payments and frozen accounts, and what is due by itself: credit that ends, losses
//! that frozen accounts can make good.

use super::Kept;
use super::read::{money, unreadable};
use crate::account::AccountId;
use crate::book::{Act, Checkout, CheckoutState, Claim, Frozen, Op, Pay, Payment, Rows};
use crate::error::LedgerError;
use crate::id::new_id;
use crate::store::{Row, Store};

pub(super) const CHECKOUT: &str = "SELECT id, account, provider, amount, fee, asked_at, external,
    url, state FROM checkout WHERE id = ?1";
pub(super) const PAYMENT: &str = "SELECT provider, id, checkout, account, amount, fee, taken, lost,
    fee_taken FROM payment WHERE provider = ?1 AND id = ?2";
pub(super) const CLAIMS: &str = "SELECT provider, payment, id, stage, due FROM claim
    WHERE provider = ?1 AND payment = ?2 ORDER BY id";
const PUT_CHECKOUT: &str = "INSERT INTO checkout
    (id, account, provider, amount, fee, asked_at, external, url, state)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET
    external = excluded.external, url = excluded.url, state = excluded.state";
const PUT_PAYMENT: &str = "INSERT INTO payment
    (provider, id, checkout, account, amount, fee, taken, lost, fee_taken)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (provider, id) DO UPDATE SET
    taken = excluded.taken, lost = excluded.lost, fee_taken = excluded.fee_taken";
const PUT_CLAIM: &str = "INSERT INTO claim (provider, payment, id, stage, due)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (provider, payment, id) DO UPDATE SET
    stage = excluded.stage, due = excluded.due";
const PUT_FROZEN: &str = "INSERT INTO frozen (account, at, reason) VALUES (?1, ?2, ?3)
    ON CONFLICT (account) DO UPDATE SET at = excluded.at, reason = excluded.reason";
/// Where a balance is lent out whole, nothing of its credit can end yet.
const ENDED_LOTS: &str = "SELECT l.id, l.account FROM lot l JOIN book b ON b.id = l.account * 8
    WHERE l.rest > 0 AND l.expires_at <= ?1 AND b.posted > b.held ORDER BY l.expires_at LIMIT 256";
const LOSSES: &str = "SELECT p.provider, p.id FROM payment p JOIN frozen f ON f.account = p.account
    JOIN book b ON b.id = p.account * 8
    WHERE p.lost > 0 AND b.posted - b.held > b.promotional ORDER BY p.provider, p.id LIMIT 256";

impl Store {
    /// A payment that was asked for.
    pub fn checkout(&self, id: &str) -> Result<Option<Checkout>, LedgerError> {
        self.read(|txn| Kept(txn).checkout(id))
    }

    /// Why the calls of an account are refused; `None` where they are served.
    pub fn frozen(&self, account: AccountId) -> Result<Option<Frozen>, LedgerError> {
        let sql = "SELECT account, at, reason FROM frozen WHERE account = ?1";
        self.read(|txn| txn.one(sql, &[&account.0], frozen_of))
    }

    /// What is to be done because of the time, or of money that came free: promotional credit that
    /// has ended, and losses that frozen accounts can make good.
    pub fn due(&self, now: i64) -> Result<Vec<Act>, LedgerError> {
        self.read(|txn| {
            let mut acts = txn.rows(ENDED_LOTS, &[&now], |row| {
                Ok(Act::ExpireCredit {
                    lot: row.get(0)?,
                    account: AccountId(row.get(1)?),
                })
            })?;
            acts.extend(txn.rows(LOSSES, &[], |row| {
                Ok(Act::Pay(Pay::Square {
                    provider: row.get(0)?,
                    payment: row.get(1)?,
                }))
            })?);
            Ok(acts)
        })
    }

    /// Does all that is due. How often it is asked, and by how many, changes nothing.
    pub fn do_due(&self, instance: i64, now: i64) -> Result<(), LedgerError> {
        let ops = self.due(now)?.into_iter().map(|act| {
            Ok(Op {
                id: new_id()?,
                at: now,
                instance,
                act,
            })
        });
        let ops = ops.collect::<Result<Vec<_>, LedgerError>>()?;
        if !ops.is_empty() {
            // One that is refused was done by another replica, or must wait for its money.
            self.apply(&ops)?;
        }
        Ok(())
    }
}

impl Kept<'_> {
    pub(super) fn put_checkout(self, row: &Checkout) -> Result<(), LedgerError> {
        self.execute(
            PUT_CHECKOUT,
            &[
                &row.id,
                &row.account.0,
                &row.provider,
                &row.amount.pico(),
                &row.fee.pico(),
                &row.asked_at,
                &row.external,
                &row.url,
                &row.state.as_str(),
            ],
        )
    }

    pub(super) fn put_payment(self, row: &Payment) -> Result<(), LedgerError> {
        self.execute(
            PUT_PAYMENT,
            &[
                &row.provider,
                &row.id,
                &row.checkout,
                &row.account.0,
                &row.amount.pico(),
                &row.fee.pico(),
                &row.taken.pico(),
                &row.lost.pico(),
                &row.fee_taken.pico(),
            ],
        )
    }

    pub(super) fn put_claim(self, row: &Claim) -> Result<(), LedgerError> {
        let due = row.due.pico();
        self.execute(
            PUT_CLAIM,
            &[&row.provider, &row.payment, &row.id, &row.stage, &due],
        )
    }

    pub(super) fn put_frozen(self, row: &Frozen) -> Result<(), LedgerError> {
        self.execute(PUT_FROZEN, &[&row.account.0, &row.at, &row.reason])
    }
}

pub(super) fn checkout_of(row: &Row<'_>) -> Result<Checkout, LedgerError> {
    let state: String = row.get(8)?;
    let mut states = CheckoutState::ALL.into_iter();
    let state = states.find(|one| one.as_str() == state);
    Ok(Checkout {
        id: row.get(0)?,
        account: AccountId(row.get(1)?),
        provider: row.get(2)?,
        amount: money(row, 3)?,
        fee: money(row, 4)?,
        asked_at: row.get(5)?,
        external: row.get(6)?,
        url: row.get(7)?,
        state: state.ok_or(unreadable("state of a checkout"))?,
    })
}

pub(super) fn payment_of(row: &Row<'_>) -> Result<Payment, LedgerError> {
    Ok(Payment {
        provider: row.get(0)?,
        id: row.get(1)?,
        checkout: row.get(2)?,
        account: AccountId(row.get(3)?),
        amount: money(row, 4)?,
        fee: money(row, 5)?,
        taken: money(row, 6)?,
        lost: money(row, 7)?,
        fee_taken: money(row, 8)?,
    })
}

pub(super) fn claim_of(row: &Row<'_>) -> Result<Claim, LedgerError> {
    Ok(Claim {
        provider: row.get(0)?,
        payment: row.get(1)?,
        id: row.get(2)?,
        stage: row.get(3)?,
        due: money(row, 4)?,
    })
}

fn frozen_of(row: &Row<'_>) -> Result<Frozen, LedgerError> {
    Ok(Frozen {
        account: AccountId(row.get(0)?),
        at: row.get(1)?,
        reason: row.get(2)?,
    })
}
