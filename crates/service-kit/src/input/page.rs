//! Which part of a list that is read from its newest entry on.

use utoipa::IntoParams;

use super::{Fields, FromFields};

/// Entries of one page, unless told otherwise, and at most.
const ENTRIES: (usize, usize) = (50, 500);

/// Which part of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Entries at most, 50 unless given.
    #[param(minimum = 1, maximum = 500, required = false)]
    pub limit: usize,
    /// Only entries older than this one: `next` of the page before.
    pub before: Option<String>,
}

impl Page {
    /// The newest entries.
    #[must_use]
    pub fn first() -> Self {
        Self {
            limit: ENTRIES.0,
            before: None,
        }
    }
}

impl FromFields for Page {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let limit = fields.with_default_in("limit", 1..=ENTRIES.1, ENTRIES.0);
        let before = fields.optional("before");
        Some(Self {
            limit: limit?,
            before: before?,
        })
    }
}
