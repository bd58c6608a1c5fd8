//! The chain of each book: no entry missing, moved or changed, and the balance their sum.

use rusqlite::{Row, Transaction};
use vane_catalog::Money;

use super::{Audited, Broken};
use crate::book::{BookId, Entry, Txn, TxnKind, Usage, hash_of};
use crate::error::LedgerError;

const BOOKS: &str =
    "SELECT b.id, b.kind || ' ' || coalesce(a.name, b.owner), b.posted, b.entries, b.head
    FROM book b LEFT JOIN account a ON b.kind = 'customer' AND a.id = b.owner ORDER BY b.id";
const ENTRIES: &str = "SELECT e.seq, e.amount, e.attempt, e.rate_version, e.quantities,
    e.previous, e.hash, e.txn, t.kind, t.at, t.call, t.reason
    FROM entry e LEFT JOIN txn t ON t.id = e.txn WHERE e.book = ?1 ORDER BY e.seq";

struct Kept {
    id: BookId,
    name: String,
    posted: i64,
    entries: i64,
    head: [u8; 32],
}

/// Walks every chain from its first entry to the head that its book names.
pub(super) fn walk(
    txn: &Transaction<'_>,
    audited: &mut Audited,
) -> Result<Option<Broken>, LedgerError> {
    let mut statement = txn.prepare(BOOKS)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let book = Kept {
            id: BookId(row.get(0)?),
            name: row.get(1)?,
            posted: row.get(2)?,
            entries: row.get(3)?,
            head: row.get(4)?,
        };
        if let Err((invariant, what)) = follow(txn, &book, audited)? {
            let what = format!("{}: {what}", book.name);
            return Ok(Some(Broken { invariant, what }));
        }
        audited.books = audited.books.saturating_add(1);
    }
    Ok(None)
}

type Fault = (u8, String);

fn follow(
    txn: &Transaction<'_>,
    book: &Kept,
    audited: &mut Audited,
) -> Result<Result<(), Fault>, LedgerError> {
    let mut statement = txn.prepare_cached(ENTRIES)?;
    let mut rows = statement.query((book.id.0,))?;
    let (mut seq, mut head, mut sum) = (0_i64, [0; 32], 0_i128);
    while let Some(row) = rows.next()? {
        seq = seq.saturating_add(1);
        let entry = entry_of(book.id, row)?;
        if entry.seq != seq {
            return Ok(Err((9, format!("entry {seq} is missing"))));
        }
        if entry.previous != head {
            let what = format!("entry {seq} does not follow the one before it: the chain is cut");
            return Ok(Err((9, what)));
        }
        let Some(made) = txn_of(row)? else {
            let id: String = row.get(7)?;
            return Ok(Err((
                1,
                format!("the transaction {id} of entry {seq} is missing"),
            )));
        };
        if hash_of(&made, &entry) != entry.hash {
            let what = format!("entry {seq} was changed: it is not what its hash was made of");
            return Ok(Err((9, what)));
        }
        head = entry.hash;
        sum = sum.saturating_add(i128::from(entry.amount.pico()));
        audited.entries = audited.entries.saturating_add(1);
    }
    if (seq, head) != (book.entries, book.head) {
        let what = format!(
            "it has {seq} entries and should end with entry {}",
            book.entries
        );
        return Ok(Err((9, what)));
    }
    if sum != i128::from(book.posted) {
        let posted = Money::from_pico(book.posted);
        let sum = i64::try_from(sum).map_or("more than can be".into(), |sum| {
            format!("${}", Money::from_pico(sum))
        });
        return Ok(Err((
            2,
            format!("the balance is ${posted}, its entries come to {sum}"),
        )));
    }
    Ok(Ok(()))
}

/// The transaction of an entry, without its entries.
fn txn_of(row: &Row<'_>) -> Result<Option<Txn>, LedgerError> {
    let kind: Option<String> = row.get(8)?;
    let kind = TxnKind::ALL
        .into_iter()
        .find(|one| Some(one.as_str()) == kind.as_deref());
    let Some(kind) = kind else {
        return Ok(None);
    };
    Ok(Some(Txn {
        id: row.get(7)?,
        kind,
        at: row.get(9)?,
        call: row.get(10)?,
        reason: row.get(11)?,
        entries: Vec::new(),
    }))
}

fn entry_of(book: BookId, row: &Row<'_>) -> Result<Entry, LedgerError> {
    let usage: (Option<i64>, Option<String>, Option<String>) =
        (row.get(2)?, row.get(3)?, row.get(4)?);
    let usage = match usage {
        (Some(attempt), Some(rate_version), Some(quantities)) => Some(Usage {
            attempt,
            rate_version,
            quantities,
        }),
        _ => None,
    };
    Ok(Entry {
        book,
        seq: row.get(0)?,
        amount: Money::from_pico(row.get(1)?),
        usage,
        previous: row.get(5)?,
        hash: row.get(6)?,
    })
}
