//! `vane account`: who pays.

use serde_json::json;
use vane_ledger::book::Act;
use vane_ledger::{AccountId, AccountKind};

use super::settings::now;
use super::{Failure, Settings, credit, terminal};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Account {
    /// Make an account
    #[command(after_help = "Examples:\n  vane account create team\n  \
                            vane account create team --prepaid 25 --json")]
    Create {
        /// Its name, which no other account has
        name: String,
        /// Opening credit: the account cannot spend more than it has. Its calls are not served yet
        #[arg(long, value_name = "USD", allow_hyphen_values = true)]
        prepaid: Option<String>,
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
                json,
            } => {
                let made = match prepaid {
                    Some(usd) => prepaid_account(settings, name, usd)?,
                    None => {
                        let kind = AccountKind::Metered;
                        settings.store()?.create_account(name, kind, now())?
                    }
                };
                if *json {
                    terminal::print_json(&as_json(&made))
                } else {
                    terminal::print(&format!("account {} ({})\n", made.name, made.kind.as_str()))
                }
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
    Ok(settings.store()?.create_credited(name, open, now())?)
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
