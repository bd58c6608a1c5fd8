//! The pages behind the door: their methods, and who answers each.

use http::Method;
use vane_dialect::Fault;

use super::visitor::{Visitor, visitor};
use super::{Asked, reply, room, sign_in, sign_up};
use crate::relay::Response;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Login,
    Logout,
    SignUp,
    Console,
    Keys,
    Key,
    Receipts,
    Receipt,
    /// Acting as another member of the same user.
    Seat,
}

impl Page {
    /// The methods that it takes. Where `GET` is one, `HEAD` is too.
    #[must_use]
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::Logout | Self::Seat => &[Method::POST],
            Self::Console | Self::Receipts | Self::Receipt => &[Method::GET],
            Self::Login | Self::SignUp | Self::Keys | Self::Key => &[Method::GET, Method::POST],
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
            Self::Keys | Self::Key => "/console/keys",
            Self::Receipts | Self::Receipt => "/console/receipts",
        }
    }

    pub(super) async fn answer(self, asked: &Asked<'_>) -> Result<Response, Fault> {
        match self {
            Self::Login => return sign_in::answer(asked).await,
            Self::SignUp => return sign_up::answer(asked).await,
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
            Self::Console | Self::Login | Self::SignUp => room::overview(asked, visitor).await,
        }
    }
}
