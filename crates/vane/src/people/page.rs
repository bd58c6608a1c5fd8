//! The pages behind the door: their methods, and who answers each.

use http::Method;
use vane_dialect::Fault;

use super::visitor::{Visitor, visitor};
use super::{Asked, recover, reply, room, setup, sign_in, sign_up};
use crate::relay::Response;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Login,
    Logout,
    SignUp,
    /// Another password, by a link.
    Recover,
    Console,
    Keys,
    Key,
    Receipts,
    Receipt,
    Credits,
    CreditsFile,
    Members,
    Member,
    /// One's own password and sessions.
    Settings,
    /// All accounts, for who runs the server.
    Accounts,
    /// Everybody who is known, for who runs the server.
    People,
    /// Keys of providers that are kept.
    Providers,
    /// Runs that pages show.
    Examples,
    Setup,
    SetupProvider,
    SetupKey,
    SetupLive,
    /// Acting as another member of the same user.
    Seat,
}

impl Page {
    /// The methods that it takes. Where `GET` is one, `HEAD` is too.
    #[must_use]
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::Logout | Self::Seat => &[Method::POST],
            Self::Console
            | Self::Receipts
            | Self::Receipt
            | Self::CreditsFile
            | Self::SetupLive => &[Method::GET],
            Self::Login
            | Self::SignUp
            | Self::Recover
            | Self::Keys
            | Self::Key
            | Self::Credits
            | Self::Members
            | Self::Member
            | Self::Settings
            | Self::Accounts
            | Self::People
            | Self::Providers
            | Self::Examples
            | Self::Setup
            | Self::SetupProvider
            | Self::SetupKey => &[Method::GET, Method::POST],
        }
    }

    /// How large a form may be that is sent to it.
    pub(super) const fn form_bytes_max(self) -> usize {
        match self {
            // It carries a run: a question and an answer, under a seal.
            Self::Examples => 512 << 10,
            _ => 64 << 10,
        }
    }

    pub(super) fn takes(self, method: &Method) -> bool {
        let asked = match *method {
            Method::HEAD => &Method::GET,
            _ => method,
        };
        self.methods().contains(asked)
    }

    /// Where it is, for whoever has to sign in first.
    const fn path(self) -> &'static str {
        match self {
            Self::Login => "/login",
            Self::Logout | Self::Seat | Self::Console => "/console",
            Self::SignUp => "/signup",
            Self::Recover => "/recover",
            Self::Keys | Self::Key => "/console/keys",
            Self::Receipts | Self::Receipt => "/console/receipts",
            Self::Credits | Self::CreditsFile => "/console/credits",
            Self::Members | Self::Member => "/console/members",
            Self::Settings => "/console/settings",
            Self::Accounts => "/admin/accounts",
            Self::People => "/admin/people",
            Self::Providers => "/admin/providers",
            Self::Examples => "/admin/examples",
            Self::Setup => "/setup",
            Self::SetupProvider => "/setup/provider",
            Self::SetupKey => "/setup/key",
            Self::SetupLive => "/setup/live",
        }
    }

    pub(super) async fn answer(self, asked: &Asked<'_>) -> Result<Response, Fault> {
        match self {
            Self::Login => return sign_in::answer(asked).await,
            Self::SignUp => return sign_up::answer(asked).await,
            Self::Recover => return recover::answer(asked).await,
            Self::Setup => return setup::operator(asked).await,
            _ => {}
        }
        let Some(visitor) = visitor(asked.gateway, asked.headers).await? else {
            return Ok(reply::elsewhere(&format!("/login?to={}", self.path())));
        };
        if let Some(form) = &asked.form {
            visitor.must_have_written(form.raw("csrf"))?;
        }
        self.answer_visitor(asked, &visitor).await
    }

    async fn answer_visitor(self, asked: &Asked<'_>, visitor: &Visitor) -> Result<Response, Fault> {
        match self {
            Self::Logout => sign_in::leave(asked, visitor).await,
            Self::Seat => room::take(asked, visitor).await,
            Self::Keys => room::keys::answer(asked, visitor).await,
            Self::Key => room::keys::one(asked, visitor).await,
            Self::Receipts => room::receipts::answer(asked, visitor).await,
            Self::Receipt => room::receipts::one(asked, visitor).await,
            Self::Credits => room::credits::answer(asked, visitor).await,
            Self::CreditsFile => room::credits::file(asked, visitor).await,
            Self::Members => room::members::answer(asked, visitor).await,
            Self::Member => room::member::answer(asked, visitor).await,
            Self::Settings => room::settings::answer(asked, visitor).await,
            Self::Accounts => room::accounts::answer(asked, visitor).await,
            Self::People => room::people::answer(asked, visitor).await,
            Self::Providers => room::providers::answer(asked, visitor).await,
            Self::Examples => room::examples::answer(asked, visitor).await,
            Self::SetupProvider => setup::provider(asked, visitor).await,
            Self::SetupKey => setup::key(asked, visitor).await,
            Self::SetupLive => setup::live(asked, visitor).await,
            Self::Console | Self::Login | Self::SignUp | Self::Recover | Self::Setup => {
                room::overview(asked, visitor).await
            }
        }
    }
}
