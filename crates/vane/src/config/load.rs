//! Reading it all: the file, the environment, and what is wrong with either.

use std::path::Path;

use vane_catalog::Catalog;

use super::base_url::Own;
use super::catalog::{self, CatalogFile, extended};
use super::environment::Environment;
use super::needs::how_to_name_models;
use super::node::{self, Table};
use super::problem::{Place, Problem, Warning};
use super::reader::Reader;
use super::section::Section;
use super::server::Server;
use super::{
    Config, Engine, Guest, Limits, Local, Outbound, Payments, People, Receipts, Retries, SignUp,
    Site, Timeouts, Weights, local, provider,
};

/// Variables that commands take and no key of the file has.
const OF_COMMANDS: [&str; 3] = ["VANE_CONFIG", "VANE_URL", "VANE_API_KEY"];

/// What came of reading. Without problems there is a configuration.
#[derive(Debug)]
pub struct Reading {
    pub config: Option<Config>,
    /// With problems: what could be read, and what is usual in place of what could not. Nothing of a
    /// file that is not TOML.
    rest: Option<Config>,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Warning>,
}

impl Reading {
    /// The same for who needs nothing but these keys and tables: where they hold, what is wrong
    /// elsewhere is a warning, and a provider of which something is wrong is off.
    #[must_use]
    pub fn for_keys(mut self, keys: &[&str]) -> Self {
        if self.problems.iter().any(|problem| problem.is_about(keys)) {
            return self;
        }
        let Some(mut rest) = self.rest.take() else {
            return self;
        };
        let holds = |id: &str| !self.problems.iter().any(|problem| problem.is_about(&[id]));
        rest.providers.retain(|provider| holds(&provider.id));
        self.warnings.extend(self.problems.drain(..).map(Warning));
        self.config = Some(rest);
        self
    }

    /// Forgets what is wrong with tables that do not matter to who asks.
    #[must_use]
    pub fn without(mut self, table: &str) -> Self {
        self.problems.retain(|problem| !problem.is_in(table));
        if self.problems.is_empty() {
            self.config = self.config.or(self.rest.take());
        }
        self
    }
}

impl Config {
    /// Reads the file, if there is one, and the environment, which wins over it.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn load(
        path: Option<&Path>,
        environment: &Environment,
    ) -> Result<(Self, Vec<Warning>), Vec<Problem>> {
        let reading = Self::read(path, environment);
        reading
            .config
            .map(|config| (config, reading.warnings))
            .ok_or(reading.problems)
    }

    /// The same, with the warnings also where there are problems.
    #[must_use]
    pub fn read(path: Option<&Path>, environment: &Environment) -> Reading {
        let (values, problems) = path.map_or_else(Default::default, file);
        Self::of_parsed(values, problems, environment)
    }

    /// The same of text that stands in no file; `shown` is its name in problems.
    #[must_use]
    pub fn read_text(shown: &str, text: &str, environment: &Environment) -> Reading {
        let (values, problems) = node::parse(shown, text);
        Self::of_parsed(values, problems, environment)
    }

    fn of_parsed(values: Table, problems: Vec<Problem>, environment: &Environment) -> Reading {
        // A broken line takes its neighbours with it: what they would lack is not a second fault.
        if !problems.is_empty() {
            return Reading {
                config: None,
                rest: None,
                problems,
                warnings: Vec::new(),
            };
        }
        let reader = Reader::new(environment);
        for name in OF_COMMANDS {
            reader.variable(name);
        }
        let mut root = reader.root(values);
        let file = catalog::file(&mut root);
        let (base, mut faults) = match catalog::base(file.as_ref()) {
            Ok(base) => (Some(base), Vec::new()),
            // A file adds no providers: the rest is read as well beside the built-in one.
            Err(fault) => (Catalog::embedded().ok(), fault.0),
        };
        let config = base.map(|base| {
            let config = Self::of_values(root, file, &base);
            match extended(&base, &config.providers) {
                Ok(catalog) => warn_of_nothing_to_serve(&reader, &config, &catalog),
                Err(fault) => faults.extend(fault.0),
            }
            config
        });
        for error in faults {
            reader.problem(Place::Nowhere, "", error.to_string());
        }
        let (mut problems, warnings) = reader.finish();
        problems.sort_by_key(|problem| match &problem.place {
            Place::File { line, column, .. } => (0, *line, *column),
            Place::Variable(_) => (1, 0, 0),
            Place::Nowhere => (2, 0, 0),
        });
        let (config, rest) = match problems.is_empty() {
            true => (config, None),
            false => (None, config),
        };
        Reading {
            config,
            rest,
            problems,
            warnings,
        }
    }

    fn of_values(mut root: Section<'_>, file: Option<CatalogFile>, catalog: &Catalog) -> Self {
        let server = Server::read(&mut root);
        let own = Own {
            listen: server.listen,
            hosts: &server.hosts,
        };
        let engine = Engine::read(root.section("engine"));
        let weights = Weights::read(root.section("weights"), &server.database.0);
        let (mut local, models) = local::read(&mut root, &engine, &weights);
        let (mut providers, keyless) = provider::read(&mut root, catalog, &own);
        let nothing_else = providers.is_empty() && local.is_empty();
        if engine
            .tiny
            .unwrap_or(cfg!(feature = "tiny") && nothing_else)
        {
            local.push(Local::built_in(&engine));
        }
        providers.extend(local::provider(&local, models));
        let (limits, shared_limits) = Limits::read(root.section("limits"));
        let sign_up = SignUp::read(root.section("credits"));
        let people = People::read(root.section("people"), sign_up.is_some());
        let config = Self {
            limits,
            shared_limits,
            timeouts: Timeouts::read(root.section("timeouts")),
            retries: Retries::read(root.section("retries")),
            outbound: Outbound::read(root.section("outbound")),
            sign_up,
            people,
            payments: Payments::read(root.section("payments"), &own),
            receipts: Receipts::read(root.section("receipts")),
            site: Site::read(root.section("site")),
            guest: Guest::read(root.section("guest"), server.is_for_one_machine()),
            weights,
            providers,
            keyless,
            engine,
            local,
            catalog: file,
            listen: server.listen,
            database: server.database,
            durability: server.durability,
            journal: server.journal,
            secret: server.secret,
            auth: server.auth,
            tls: server.tls,
            workers: server.workers,
            trusted_proxies: server.trusted_proxies,
            hosts: server.hosts,
            metrics_public: server.metrics_public,
            log: server.log,
        };
        root.finish();
        config
    }
}

/// A provider that is on and has no model answers nobody, which its key alone does not tell.
fn warn_of_nothing_to_serve(reader: &Reader<'_>, config: &Config, catalog: &Catalog) {
    for row in &config.providers {
        let serves = catalog
            .offers()
            .iter()
            .any(|offer| offer.provider == row.id);
        if let Some(provider) = catalog.provider(&row.id)
            && !serves
        {
            let why = match row.only {
                Some(_) => "`only` and `models` name none".to_owned(),
                None => how_to_name_models(provider),
            };
            let what = format!("is on and serves nothing: {why}");
            reader.warn(Place::Nowhere, &row.id, what);
        }
    }
}

fn file(path: &Path) -> (Table, Vec<Problem>) {
    let shown = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => node::parse(&shown, &text),
        Err(error) => {
            let what = format!("cannot read the configuration {shown}: {error}");
            let problem = Problem {
                place: Place::Nowhere,
                key: String::new(),
                what,
            };
            (Table::new(), vec![problem])
        }
    }
}
