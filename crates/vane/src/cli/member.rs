//! `vane member`: who belongs to an account, and with which role.

use serde_json::{Value, json};
use vane_catalog::Date;
use vane_ledger::{Account, Author, Role, Store};

use super::settings::{account, now, open_existing};
use super::{Failure, Settings, terminal};

/// A link that nobody used by then is over.
const INVITED_SECONDS: i64 = 7 * 86_400;
const RECOVERED_SECONDS: i64 = 86_400;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Member {
    /// Make somebody a member of an account; the first one is an owner
    #[command(
        after_help = "Examples:\n  vane member add team ann@example.com --role owner\n  \
                            vane member add team bob@example.com --role viewer --json"
    )]
    Add {
        #[command(flatten)]
        who: Who,
        /// What the member may do: owner, admin, member or viewer
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Print a link by which somebody joins an account and can sign in, once and within a week
    #[command(
        after_help = "Examples:\n  vane member invite team ann@example.com --role owner\n  \
                            vane member invite team bob@example.com --role viewer --json"
    )]
    Invite {
        #[command(flatten)]
        who: Who,
        /// What the member may do: owner, admin, member or viewer
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Print a link by which somebody who forgot a password sets another one, once and within a day
    #[command(after_help = "Examples:\n  vane member recover ann@example.com\n  \
                            vane member recover ann@example.com --json")]
    Recover {
        /// The address of whoever forgot it
        email: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the members of an account
    #[command(after_help = "Example:\n  vane member list team --json")]
    List {
        account: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Give a member another role
    #[command(after_help = "Example:\n  vane member set team bob@example.com --role admin")]
    Set {
        #[command(flatten)]
        who: Who,
        /// What the member may do: owner, admin, member or viewer
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Remove a member and end all keys that act for it
    #[command(after_help = "Example:\n  vane member remove team bob@example.com")]
    Remove {
        #[command(flatten)]
        who: Who,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Who {
    account: String,
    /// The address of the member
    email: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn role(text: &str) -> Result<Role, &'static str> {
    Role::parse(text).ok_or("it must be owner, admin, member or viewer")
}

impl Member {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let config = settings.books_and_origin()?;
        let store = open_existing(&config)?;
        let author = Author::operator(now());
        match self {
            Self::Add { who, role } => {
                let of = account(&store, &who.account)?;
                let made = store.add_member(&author, of.id, &who.email, *role)?;
                show(&of, &[made], who.json)
            }
            Self::Invite { who, role } => {
                let origin = config.origin();
                let of = account(&store, &who.account)?;
                let ends = author.at + INVITED_SECONDS;
                let token = store.invite(&author, of.id, &who.email, *role, ends)?;
                let link = format!("{origin}/signup?invitation={}", token.expose());
                match who.json {
                    true => terminal::print_json(&json!({ "link": link, "expires_at": ends })),
                    false => terminal::print(&format!("{link}\n")),
                }
            }
            Self::Recover { email, json } => {
                let origin = config.origin();
                let ends = author.at + RECOVERED_SECONDS;
                let token = store.link_recovery(email, "vane member recover", author.at, ends)?;
                let link = format!("{origin}/recover?token={}", token.expose());
                match json {
                    true => terminal::print_json(&json!({ "link": link, "expires_at": ends })),
                    false => terminal::print(&format!("{link}\n")),
                }
            }
            Self::List {
                account: name,
                json,
            } => {
                let of = account(&store, name)?;
                let members = store.list_members(of.id)?;
                match json {
                    true => {
                        let rows: Vec<Value> =
                            members.iter().map(|one| as_json(&of, one)).collect();
                        terminal::print_json(&json!({ "members": rows }))
                    }
                    false => show(&of, &members, false),
                }
            }
            Self::Set { who, role } => {
                let (of, member) = who.find(&store)?;
                let set = store.set_role(&author, of.id, &member.id, *role)?;
                show(&of, &[set], who.json)
            }
            Self::Remove { who } => {
                let (of, member) = who.find(&store)?;
                store.remove_member(&author, of.id, &member.id)?;
                if who.json {
                    return terminal::print_json(&json!({ "id": member.id, "removed": true }));
                }
                terminal::note(&format!(
                    "{} is removed, and all keys that act for it are ended",
                    member.email
                ));
                Ok(())
            }
        }
    }
}

impl Who {
    fn find(&self, store: &Store) -> Result<(Account, vane_ledger::Member), Failure> {
        let of = account(store, &self.account)?;
        let member = find(store, &of, &self.email)?;
        Ok((of, member))
    }
}

/// A member of an account by its address.
pub(super) fn find(
    store: &Store,
    of: &Account,
    email: &str,
) -> Result<vane_ledger::Member, Failure> {
    store.find_member_by_email(of.id, email)?.ok_or_else(|| {
        let name = &of.name;
        Failure::said(format!(
            "{email:?} is no member of {name}; `vane member list {name}` shows them"
        ))
    })
}

fn show(of: &Account, members: &[vane_ledger::Member], json: bool) -> Result<(), Failure> {
    if let (true, [member]) = (json, members) {
        return terminal::print_json(&as_json(of, member));
    }
    let mut rows = vec![["ID", "EMAIL", "ROLE", "SINCE"].map(str::to_owned)];
    rows.extend(members.iter().map(|member| {
        [
            member.id.clone(),
            member.email.clone(),
            member.role.as_str().to_owned(),
            Date::of(member.created_at).to_string(),
        ]
    }));
    terminal::print(&terminal::table(&rows))
}

fn as_json(of: &Account, member: &vane_ledger::Member) -> Value {
    json!({
        "id": member.id,
        "account": of.name,
        "email": member.email,
        "role": member.role.as_str(),
        "created_at": member.created_at,
    })
}
