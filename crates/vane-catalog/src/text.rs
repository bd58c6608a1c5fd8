//! Text that is usually a part of the embedded catalogue and sometimes an operator's.

use std::borrow::Cow;

/// Borrowed for the life of the program where it comes from the embedded data.
pub type Text = Cow<'static, str>;
