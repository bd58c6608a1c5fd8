//! `vane credit`: money of an account.

mod promote;
mod statement;

use serde_json::{Value, json};
use vane_catalog::Money;
use vane_ledger::book::{Act, Book, Op, Refusal, Source, TxnKind};
use vane_ledger::{AccountId, Posted, StatementLine, Store};

use super::settings::{account, now};
use super::{Failure, Settings, terminal};

/// The instance that commands write as; servers count from one.
const OPERATOR: i64 = 0;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Credit {
    /// Give an account credit that was paid for
    #[command(
        after_help = "Examples:\n  vane credit grant team 25 --reason \"invoice 17\"\n  \
                            vane credit grant team 25 --reason \"invoice 17\" --id invoice-17 --json"
    )]
    Grant(Change),
    /// Give back credit that was paid for; promotional credit and what running calls hold stays
    #[command(
        after_help = "Examples:\n  vane credit refund team 5 --reason \"invoice 17, in part\"\n  \
                            vane credit refund team 0.50 --reason asked --json"
    )]
    Refund(Change),
    /// Give an account credit that nobody paid for: it is spent first, and ends
    #[command(
        after_help = "Examples:\n  vane credit promote team 5 --expires 30d --reason welcome\n  \
                            vane credit promote team 5 --expires 2027-01-31 --reason trial --json"
    )]
    Promote {
        #[command(flatten)]
        change: Change,
        /// When what is left of it ends: a time from now, or the start of a day (UTC)
        #[arg(long, value_name = "30d|DATE", allow_hyphen_values = true)]
        expires: String,
    },
    /// List what changed the balance of an account, newest first
    #[command(after_help = "Examples:\n  vane credit list team\n  \
                            vane credit list team --limit 100 --json")]
    List {
        account: String,
        /// How many lines at most
        #[arg(long, value_name = "N", default_value_t = 20,
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show the balance of an account
    #[command(after_help = "Examples:\n  vane credit show team\n  vane credit show team --json")]
    Show {
        account: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// What every change of a balance is told.
#[derive(Debug, clap::Args)]
pub(super) struct Change {
    account: String,
    /// Dollars, as plain decimal digits
    #[arg(value_name = "USD", allow_hyphen_values = true)]
    usd: String,
    /// Why, for whoever reads the books
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// An id of your own: what was done under it is not done again
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Credit {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        match self {
            Self::Grant(change) => change.give(settings, Source::Cash),
            Self::Promote { change, expires } => {
                change.give(settings, promote::ends(expires, now())?)
            }
            Self::Refund(change) => change.make(settings, |account, amount, reason| Act::Refund {
                account,
                amount,
                reason,
            }),
            Self::List {
                account: name,
                limit,
                json,
            } => {
                let store = settings.store()?;
                let found = account(&store, name)?;
                statement::show(&store, &found, usize::from(*limit), *json)
            }
            Self::Show {
                account: name,
                json,
            } => {
                let store = settings.store()?;
                show(name, &store.balance(account(&store, name)?.id)?, *json)
            }
        }
    }
}

impl Change {
    fn give(&self, settings: &Settings<'_>, source: Source) -> Result<(), Failure> {
        self.make(settings, |account, amount, reason| Act::Grant {
            account,
            amount,
            source,
            reason,
        })
    }

    /// Changes the balance and shows what there is then.
    fn make(
        &self,
        settings: &Settings<'_>,
        act: impl FnOnce(AccountId, Money, String) -> Act,
    ) -> Result<(), Failure> {
        let amount = amount(&self.usd)?;
        let reason = line(&self.reason)?;
        let store = settings.store()?;
        let of = account(&store, &self.account)?.id;
        let mut op = op(act(of, amount, reason))?;
        if let Some(id) = &self.id {
            id.clone_into(&mut op.id);
        }
        for outcome in store.apply(std::slice::from_ref(&op))? {
            match outcome {
                Ok(_) => {}
                Err(Refusal::Repeated) => self.repeated(&store, of, &op)?,
                Err(refusal) => return Err(Failure::said(refusal.to_string())),
            }
        }
        show(&self.account, &store.balance(of)?, self.json)
    }

    /// What was done under the id before must be what is asked for now.
    fn repeated(&self, store: &Store, of: AccountId, op: &Op) -> Result<(), Failure> {
        let line = store.posted_as(of, &op.id)?;
        let same = line.is_some_and(|line| did(op, &line));
        let id = &op.id;
        if !same {
            let said = format!("something else was done under the id {id:?}: choose another one");
            return Err(Failure::said(said));
        }
        terminal::note(&format!("{id} was done before, and is not done again"));
        Ok(())
    }
}

/// Whether a line of a statement is what an operation does. When promotional credit ends is not
/// compared: `--expires 30d` is another instant each time.
fn did(op: &Op, line: &StatementLine) -> bool {
    let (asked, amount, why) = match &op.act {
        Act::Grant {
            source: Source::Cash,
            amount,
            reason,
            ..
        } => (TxnKind::Grant, *amount, reason),
        Act::Grant { amount, reason, .. } => (TxnKind::Promotion, *amount, reason),
        Act::Refund { amount, reason, .. } => {
            (TxnKind::Refund, Money::from_pico(-amount.pico()), reason)
        }
        _ => return false,
    };
    matches!(&line.posted, Posted::Credit { kind, reason } if *kind == asked && reason == why)
        && line.amount == amount
}

/// A reason, as it stands in the books.
pub(super) fn line(reason: &str) -> Result<String, Failure> {
    if reason.trim().is_empty() || reason.chars().any(char::is_control) {
        return Err(Failure::said("--reason must be a line of text"));
    }
    Ok(reason.to_owned())
}

pub(super) fn apply(store: &Store, act: Act) -> Result<(), Failure> {
    for outcome in store.apply(&[op(act)?])? {
        outcome.map_err(|refusal| Failure::said(refusal.to_string()))?;
    }
    Ok(())
}

fn op(act: Act) -> Result<Op, Failure> {
    Ok(Op {
        id: vane_ledger::new_id()?,
        at: now(),
        instance: OPERATOR,
        act,
    })
}

/// Credit that the operator answers for having been paid.
pub(super) fn grant(account: AccountId, amount: Money, reason: &str) -> Result<Op, Failure> {
    grant_from(account, amount, Source::Cash, reason)
}

pub(super) fn grant_from(
    account: AccountId,
    amount: Money,
    source: Source,
    reason: &str,
) -> Result<Op, Failure> {
    op(Act::Grant {
        account,
        amount,
        source,
        reason: reason.to_owned(),
    })
}

/// Reads dollars from plain decimal text, above zero and at most a million.
pub(super) fn amount(text: &str) -> Result<Money, Failure> {
    const MOST: Money = Money::from_pico(1_000_000_000_000_000_000);
    let said = |problem: &str| {
        let text = terminal::printable(text);
        Failure::said(format!(
            "{text:?} is no amount of dollars: {problem}; write it as 25 or 0.50"
        ))
    };
    let amount = Money::parse(text).map_err(|error| said(&error.to_string()))?;
    if amount <= Money::ZERO {
        return Err(said("it must be above zero"));
    }
    if amount > MOST {
        return Err(said("it is more than a million at once"));
    }
    Ok(amount)
}

fn show(name: &str, book: &Book, json: bool) -> Result<(), Failure> {
    if json {
        return terminal::print_json(&as_json(name, book)?);
    }
    let free = free(book)?;
    let mut text = format!("account {name}: ${} to spend\n", free);
    if book.held > Money::ZERO {
        text += &format!("${} more is held for running calls\n", book.held);
    }
    if book.promotional > Money::ZERO {
        text += &format!("${} of the balance is promotional\n", book.promotional);
    }
    terminal::print(&terminal::printable(&text))
}

fn free(book: &Book) -> Result<Money, Failure> {
    book.free()
        .map_err(|refusal| Failure::said(refusal.to_string()))
}

/// Amounts are text: not every reader of JSON numbers keeps all their digits.
pub(super) fn as_json(name: &str, book: &Book) -> Result<Value, Failure> {
    Ok(json!({
        "account": name,
        "kind": if book.prepaid { "prepaid" } else { "metered" },
        "balance": book.posted.to_string(),
        "held": book.held.to_string(),
        "available": free(book)?.to_string(),
        "promotional": book.promotional.to_string(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_plain_decimals_above_zero() {
        assert_eq!(amount("0.000000000001").unwrap(), Money::from_pico(1));
        assert_eq!(amount("1000000").unwrap().to_string(), "1000000");
        for (text, said) in [
            ("1e3", "plain decimal"),
            ("5.", "plain decimal"),
            ("NaN", "plain decimal"),
            ("$5", "plain decimal"),
            ("1,50", "plain decimal"),
            ("", "plain decimal"),
            ("-5", "above zero"),
            ("0", "above zero"),
            ("-0", "above zero"),
            ("0.0000000000001", "more decimals"),
            ("1000000.01", "million"),
            ("99999999999999999999999", "too large"),
        ] {
            let error = amount(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
