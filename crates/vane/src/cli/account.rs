//! `vane account`: who pays.

mod changes;

use serde_json::json;
use vane_ledger::book::Act;
use vane_ledger::{AccountId, AccountKind};

use super::settings::{account as find, now, open as open_store};
use super::{Failure, Settings, credit, terminal};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Account {
    /// Make an account
    #[command(after_help = "Examples:\n  vane account create team\n  \
                            vane account create team --prepaid 25 --json")]
    Create {
        /// Its name, which no other account has
        name: String,
        /// Opening credit: the account cannot spend more than it has
        #[arg(long, value_name = "USD", allow_hyphen_values = true)]
        prepaid: Option<String>,
        /// Make it prepaid with the credit that signing up gives (`credits.sign_up`)
        #[arg(long, conflicts_with = "prepaid")]
        sign_up: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Refuse the calls of an account from now on
    #[command(
        after_help = "Example:\n  vane account freeze team --reason \"card reported stolen\""
    )]
    Freeze {
        name: String,
        /// Why, for whoever looks at it next
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Serve the calls of an account again; what it still owes is the operator's loss
    #[command(after_help = "Example:\n  vane account unfreeze team")]
    Unfreeze {
        name: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List who changed what in an account, newest first
    #[command(after_help = "Examples:\n  vane account changes team\n  \
                            vane account changes team --limit 100 --json")]
    Changes {
        name: String,
        /// How many lines at most
        #[arg(long, value_name = "N", default_value_t = 20,
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the accounts
    #[command(after_help = "Example:\n  vane account list --json")]
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

impl Account {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        match self {
            Self::Create {
                name,
                prepaid,
                sign_up,
                json,
            } => {
                let made = match prepaid {
                    Some(usd) => prepaid_account(settings, name, usd)?,
                    None if *sign_up => signed_up(settings, name)?,
                    None => {
                        let kind = AccountKind::Metered;
                        settings.made_store()?.create_account(name, kind, now())?
                    }
                };
                if *json {
                    terminal::print_json(&as_json(&made))
                } else {
                    terminal::print(&format!("account {} ({})\n", made.name, made.kind.as_str()))
                }
            }
            Self::Freeze { name, reason, json } => {
                freeze(settings, name, Some(credit::line(reason)?), *json)
            }
            Self::Unfreeze { name, json } => freeze(settings, name, None, *json),
            Self::Changes { name, limit, json } => {
                changes::show(settings, name, usize::from(*limit), *json)
            }
            Self::List { json } => list(settings, *json),
        }
    }
}

fn prepaid_account(
    settings: &Settings<'_>,
    name: &str,
    usd: &str,
) -> Result<vane_ledger::Account, Failure> {
    let amount = credit::amount(usd)?;
    // The account is known only within the transaction that makes it and its credit.
    let opening = credit::grant(AccountId(0), amount, "opening credit")?;
    let open = |made| {
        let mut opening = opening.clone();
        if let Act::Grant { account, .. } = &mut opening.act {
            *account = made;
        }
        opening
    };
    Ok(settings.made_store()?.create_credited(name, open, now())?)
}

fn signed_up(settings: &Settings<'_>, name: &str) -> Result<vane_ledger::Account, Failure> {
    let config = settings.books_and("credits")?;
    let Some(sign_up) = &config.sign_up else {
        let what = "signing up gives no credit: set `sign_up` in [credits], or use --prepaid USD";
        return Err(Failure::said(what));
    };
    let now = now();
    let source = sign_up.source(now);
    let opening = credit::grant_from(AccountId(0), sign_up.amount, source, "sign-up credit")?;
    let open = |made| {
        let mut opening = opening.clone();
        if let Act::Grant { account, .. } = &mut opening.act {
            *account = made;
        }
        opening
    };
    Ok(open_store(&config)?.create_credited(name, open, now)?)
}

/// Freezes with a reason, serves again without one.
fn freeze(
    settings: &Settings<'_>,
    name: &str,
    reason: Option<String>,
    json: bool,
) -> Result<(), Failure> {
    let store = settings.store()?;
    let account = find(&store, name)?.id;
    credit::apply(&store, Act::Freeze { account, reason })?;
    let frozen = store.frozen(account)?;
    if json {
        let reason = frozen.map(|frozen| frozen.reason);
        let frozen = reason.is_some();
        return terminal::print_json(&json!({ "name": name, "frozen": frozen, "reason": reason }));
    }
    terminal::print(&match frozen {
        Some(frozen) => format!("account {name} is frozen: {}\n", frozen.reason),
        None => format!("account {name} is served\n"),
    })
}

fn list(settings: &Settings<'_>, json: bool) -> Result<(), Failure> {
    let accounts = settings.store()?.list_accounts()?;
    if json {
        let rows: Vec<_> = accounts.iter().map(as_json).collect();
        return terminal::print_json(&json!({ "accounts": rows }));
    }
    let mut rows = vec![["ID", "NAME", "KIND"].map(str::to_owned)];
    rows.extend(accounts.into_iter().map(|account| {
        [
            account.id.to_string(),
            account.name,
            account.kind.as_str().to_owned(),
        ]
    }));
    terminal::print(&terminal::table(&rows))
}

fn as_json(account: &vane_ledger::Account) -> serde_json::Value {
    json!({
        "id": account.id.0,
        "name": account.name,
        "kind": account.kind.as_str(),
        "created_at": account.created_at,
    })
}
