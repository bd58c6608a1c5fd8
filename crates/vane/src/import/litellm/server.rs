//! Deployments by the server and the credential that they share: the `[[provider]]` tables.
//!
//! The first server of a catalogue provider takes its id, and with it what the catalogue knows of
//! it; a further one gets an id of its own and says everything.

use vane_catalog::{Catalog, Offer};

use super::deployment::Deployment;
use super::price::Price;
use super::report::{Report, Why};
use super::target::Base;
use super::words::{Said, is_model_id};
use crate::import::yaml::Yaml;

pub(super) struct Servers<'c> {
    pub(super) catalog: &'c Catalog,
    pub(super) servers: Vec<Server>,
}

pub(super) struct Server {
    pub(super) id: String,
    /// The catalogue's provider that it is a server of.
    pub(super) provider: Option<String>,
    pub(super) base_url: Base,
    pub(super) key: Said,
    pub(super) headers: Vec<(String, String)>,
    /// Not empty.
    pub(super) deployments: Vec<Deployment>,
}

/// A row of `models`, in the order in which it is written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) upstream: Option<String>,
    pub(super) like: Option<String>,
    pub(super) rates: Vec<(&'static str, String)>,
    pub(super) flags: Vec<&'static str>,
    pub(super) counts: Vec<(&'static str, u64)>,
    /// Why it must stay a comment.
    pub(super) left: Option<(Why, String)>,
}

impl Server {
    /// Whether it has the id of its provider in the catalogue.
    pub(super) fn is_catalogues(&self) -> bool {
        self.provider.as_ref() == Some(&self.id)
    }

    fn takes(&self, deployment: &Deployment) -> bool {
        self.provider == deployment.target.provider
            && self.base_url == deployment.target.base_url
            && self.key == deployment.key
            && self.headers == deployment.headers
    }

    /// What must be said of a deployment; nothing where the catalogue says it under that name.
    pub(super) fn row(&self, deployment: &Deployment, catalog: &Catalog) -> Option<Row> {
        let (name, upstream) = (&deployment.name, &deployment.target.upstream);
        let known = deployment.known.as_deref().and_then(|id| catalog.offer(id));
        let here = self.offer_named(name, catalog);
        let is_here = here.is_some_and(|here| known.is_some_and(|known| known.id == here.id));
        let asked_for = known.map(|offer| &*offer.upstream);
        let as_known = asked_for == Some(upstream);
        let as_named = known.is_none() && upstream == name;
        let mut row = Row {
            upstream: (!as_known && !as_named).then(|| upstream.clone()),
            like: known.filter(|_| !is_here).map(|offer| offer.id.to_string()),
            flags: deployment.flags.clone(),
            counts: deployment.counts.clone(),
            ..Row::default()
        };
        let unpriced = |why: &str| {
            let what = format!("{why}: say `input` and `output`, or `free = true`");
            Some((Why::Unpriced, what))
        };
        match &deployment.price {
            Price::Unsaid if known.is_none() => row.left = unpriced("no price"),
            Price::Unsaid => {}
            Price::Free => row.flags.push("free"),
            Price::Rates(rates) => row.rates.clone_from(rates),
            Price::Unsayable(why) => row.left = unpriced(why),
        }
        if here.is_some() && !is_here {
            let what = "the catalogue has another model of that name at this provider".to_owned();
            row.left = Some((Why::Unclear, what));
        }
        let says_more = !row.rates.is_empty() || !row.flags.is_empty() || !row.counts.is_empty();
        let means_it = catalog.resolve(name).is_some_and(|found| {
            let mut offers = found.offers.iter();
            offers.any(|offer| Some(&*offer.id) == deployment.known.as_deref())
        });
        let is_said = self.is_catalogues() && means_it && as_known && !says_more;
        (!is_said || row.left.is_some()).then_some(row)
    }

    /// The models of the catalogue that it led to without a row, where it has an id of the
    /// catalogue's: nobody is asked for others. `None` where a wildcard means every model.
    pub(super) fn only<'c>(&self, catalog: &'c Catalog) -> Option<Vec<&'c str>> {
        let is_every = self.deployments.iter().any(Deployment::is_every_model);
        if !self.is_catalogues() || is_every {
            return None;
        }
        let mut models: Vec<&str> = Vec::new();
        for deployment in &self.deployments {
            let known = deployment.known.as_deref().and_then(|id| catalog.offer(id));
            if let Some(known) = known
                && self.row(deployment, catalog).is_none()
                && !models.contains(&&*known.model)
            {
                models.push(&known.model);
            }
        }
        Some(models)
    }

    /// The catalogue's offer that a row of this provider with this id would change.
    fn offer_named<'c>(&self, name: &str, catalog: &'c Catalog) -> Option<&'c Offer> {
        let mut offers = catalog.offers().iter().map(AsRef::as_ref);
        offers.find(|offer: &&Offer| {
            let named =
                offer.model.eq_ignore_ascii_case(name) || offer.id.eq_ignore_ascii_case(name);
            offer.provider == self.id && named
        })
    }
}

impl<'c> Servers<'c> {
    pub(super) fn new(catalog: &'c Catalog) -> Self {
        Self {
            catalog,
            servers: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, deployment: Deployment, report: &mut Report) {
        let Some(at) = self
            .servers
            .iter()
            .position(|server| server.takes(&deployment))
        else {
            let server = Server {
                id: self.free_id(&deployment),
                provider: deployment.target.provider.clone(),
                base_url: deployment.target.base_url.clone(),
                key: deployment.key.clone(),
                headers: deployment.headers.clone(),
                deployments: vec![deployment],
            };
            self.servers.push(server);
            return;
        };
        let server = &mut self.servers[at];
        let mut names = server.deployments.iter();
        if names.any(|known| known.name.eq_ignore_ascii_case(&deployment.name)) {
            let what = format!(
                "{}: a second deployment of that name at one server and key; \
                 a name is one model there",
                deployment.name
            );
            report.left(Why::Unclear, deployment.line, &deployment.place, what);
        } else {
            server.deployments.push(deployment);
        }
    }

    /// The provider's own id for its first server, then numbered ones.
    fn free_id(&self, deployment: &Deployment) -> String {
        let own = &deployment.target.own_id;
        let own = if own.is_empty() { "server" } else { own };
        let of_catalogue = deployment.target.provider.is_some();
        let taken = |id: &str| {
            let in_catalogue = !of_catalogue && self.catalog.provider(id).is_some();
            in_catalogue || self.servers.iter().any(|server| server.id == id)
        };
        let numbered = (2_usize..).map(|number| format!("{own}-{number}"));
        let mut ids = std::iter::once(own.to_owned()).chain(numbered);
        ids.find(|id| !taken(id)).unwrap_or_default()
    }

    /// What callers may ask for; `None` where a wildcard leads to models that no entry names.
    pub(super) fn names(&self) -> Option<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for server in &self.servers {
            for deployment in &server.deployments {
                if deployment.is_every_model() {
                    return None;
                }
                let row = server.row(deployment, self.catalog);
                let is_there = row.is_none_or(|row| row.left.is_none());
                if is_there && !names.contains(&deployment.name) {
                    names.push(deployment.name.clone());
                }
            }
        }
        Some(names)
    }

    /// `model_group_alias`: a further name for the deployments of another.
    pub(super) fn add_aliases(&mut self, root: &Yaml, report: &mut Report) {
        let aliases = root
            .get("router_settings")
            .and_then(|node| node.get("model_group_alias"));
        for (alias, node) in aliases.map_or(&[][..], Yaml::table) {
            let of = node
                .text()
                .or_else(|| node.get("model").and_then(Yaml::text));
            let deployments = self.servers.iter().flat_map(|server| &server.deployments);
            let meant = deployments.filter(|deployment| Some(deployment.name.as_str()) == of);
            let meant: Vec<Deployment> = meant.cloned().collect();
            let fault = match meant.is_empty() {
                true => Some("a name for a model that is not here"),
                false => (!is_model_id(alias)).then_some("a name that no row of `models` can have"),
            };
            if let Some(what) = fault {
                let place = format!("router_settings.model_group_alias.{alias}");
                report.left(Why::Unclear, node.line, place, what);
                continue;
            }
            for mut deployment in meant {
                deployment.name.clone_from(alias);
                self.add(deployment, report);
            }
        }
    }
}
