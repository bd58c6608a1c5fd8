//! The table of all models, with filters, an order and boxes to compare.
//!
//! Invariant: the whole state of the page is its address, so that it can be bookmarked, shared
//! and walked back; without any field it is the whole catalogue.

mod filter;

use askama::Template;

use super::figures::query_value;
use super::row::Row;
use super::{Frame, View};
pub(super) use filter::Filter;
use filter::{Choice, Column, Way};

#[derive(Template)]
#[template(path = "catalogue.html")]
pub(crate) struct CataloguePage<'v> {
    frame: Frame,
    rows: Vec<&'v Row>,
    total: usize,
    ready: usize,
    filter: Filter,
    makers: Vec<Choice>,
    providers: Vec<Choice>,
    capabilities: Vec<Choice>,
    contexts: Vec<Choice>,
    heads: Vec<Head>,
    as_of: String,
}

#[derive(Template)]
#[template(path = "catalogue.markdown", whitespace = "preserve")]
pub(crate) struct CatalogueTwin<'p> {
    page: &'p CataloguePage<'p>,
}

/// The head of a column: it sorts.
struct Head {
    label: &'static str,
    href: String,
    /// What `aria-sort` says: empty where the table is in another order.
    sorted: &'static str,
    is_figure: bool,
}

impl<'v> CataloguePage<'v> {
    pub(crate) fn of(view: &View<'v>, query: &str) -> Self {
        let filter = Filter::read(query);
        let all = view.rows();
        let total = all.len();
        let ready = all.iter().filter(|row| row.ready.is_ready()).count();
        let (makers, providers) = (
            filter::makers(all, &filter),
            filter::providers(all, &filter),
        );
        let mut rows: Vec<&Row> = all.iter().filter(|row| filter.keeps(row)).collect();
        filter.sort(&mut rows);
        let about = format!(
            "Prices, context and abilities of {total} language models, as they are billed here: at cost, in US dollars per 1M tokens."
        );
        Self {
            frame: Frame::new(view, "/models", "Models and prices", &about)
                .with_twin("/models.md".to_owned()),
            heads: filter.heads(),
            capabilities: filter.capabilities(),
            contexts: filter.contexts(),
            as_of: view.state.catalog.as_of().to_string(),
            rows,
            total,
            ready,
            makers,
            providers,
            filter,
        }
    }

    pub(crate) fn twin(&self) -> CatalogueTwin<'_> {
        CatalogueTwin { page: self }
    }
}

impl Filter {
    fn heads(&self) -> Vec<Head> {
        let head = |column: Column| {
            let is_sorted = self.column == column;
            let way = match (is_sorted, self.way) {
                (true, Way::Up) => Way::Down,
                (true, Way::Down) => Way::Up,
                (false, _) => column.usual(),
            };
            Head {
                label: column.label(),
                href: self.address(column, way),
                sorted: match (is_sorted, self.way) {
                    (false, _) => "",
                    (true, Way::Up) => "ascending",
                    (true, Way::Down) => "descending",
                },
                is_figure: column.is_figure(),
            }
        };
        Column::ALL.into_iter().map(head).collect()
    }

    /// The address that means this filter.
    pub(super) fn own_address(&self) -> String {
        self.address(self.column, self.way)
    }

    /// This filter in another order.
    fn address(&self, column: Column, way: Way) -> String {
        let mut fields: Vec<(&str, &str)> = self.fields();
        fields.push(("sort", column.name()));
        fields.push(("dir", way.name()));
        let pairs: Vec<String> = fields
            .into_iter()
            .map(|(name, value)| format!("{name}={}", query_value(value)))
            .collect();
        format!("/models?{}", pairs.join("&"))
    }
}
