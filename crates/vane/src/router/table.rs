//! Every route of the product on one page, grouped by who calls it.

use http::Method;
use vane_dialect::Dialect;

use crate::api::Page;
use crate::people;
use crate::playground::Mode;
use crate::relay::Door;
use crate::site;

/// What a path answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A call of a model.
    Call(Door),
    /// Counting the tokens of a call.
    Count(Door),
    Models(Door),
    /// One model; the id is the rest of the path.
    Model(Door),
    /// The caller's account, its money, keys and members.
    Api(Page, Door),
    /// What a provider of payments has to say; its signature stands for a key.
    Webhook(Door),
    /// A call of a model from the playground, by a visitor who has no key.
    Play(Door),
    /// The receipt of such a call; its id is the rest of the path.
    PlayReceipt,
    Live,
    Ready,
    Metrics,
    /// What people sign in with, and the pages behind that door.
    People(people::Page),
    /// A page for people, or its twin for machines. Clients probe the first one.
    Site(site::Page),
}

const fn door(dialect: Dialect, route: &'static str) -> Door {
    Door { dialect, route }
}

/// Every exact path. [`PREFIXES`] are the routes with a variable part.
pub const ROUTES: &[(&str, Route)] = &[
    // Called by SDKs and tools, with a key.
    (
        "/v1/chat/completions",
        Route::Call(door(Dialect::OpenaiChat, "/v1/chat/completions")),
    ),
    (
        "/v1/completions",
        Route::Call(door(Dialect::OpenaiCompletions, "/v1/completions")),
    ),
    (
        "/v1/fim/completions",
        Route::Call(door(Dialect::MistralFim, "/v1/fim/completions")),
    ),
    (
        "/v1/responses",
        Route::Call(door(Dialect::OpenaiResponses, "/v1/responses")),
    ),
    (
        "/v1/messages",
        Route::Call(door(Dialect::AnthropicMessages, "/v1/messages")),
    ),
    (
        "/v1/embeddings",
        Route::Call(door(Dialect::OpenaiEmbeddings, "/v1/embeddings")),
    ),
    (
        "/v1/messages/count_tokens",
        Route::Count(door(
            Dialect::AnthropicMessages,
            "/v1/messages/count_tokens",
        )),
    ),
    (
        "/v1/responses/input_tokens",
        Route::Count(door(Dialect::OpenaiResponses, "/v1/responses/input_tokens")),
    ),
    (
        "/v1/models",
        Route::Models(door(Dialect::OpenaiChat, "/v1/models")),
    ),
    (
        "/v1/credits",
        Route::Api(Page::Credits, door(Dialect::OpenaiChat, "/v1/credits")),
    ),
    (
        "/v1/credits/top-ups",
        Route::Api(
            Page::TopUps,
            door(Dialect::OpenaiChat, "/v1/credits/top-ups"),
        ),
    ),
    (
        "/v1/credits/entries",
        Route::Api(
            Page::Entries,
            door(Dialect::OpenaiChat, "/v1/credits/entries"),
        ),
    ),
    (
        "/v1/usage",
        Route::Api(Page::Usage, door(Dialect::OpenaiChat, "/v1/usage")),
    ),
    (
        "/v1/receipts",
        Route::Api(Page::Receipts, door(Dialect::OpenaiChat, "/v1/receipts")),
    ),
    (
        "/v1/account",
        Route::Api(Page::Account, door(Dialect::OpenaiChat, "/v1/account")),
    ),
    (
        "/v1/changes",
        Route::Api(Page::Changes, door(Dialect::OpenaiChat, "/v1/changes")),
    ),
    (
        "/v1/keys",
        Route::Api(Page::Keys, door(Dialect::OpenaiChat, "/v1/keys")),
    ),
    (
        "/v1/members",
        Route::Api(Page::Members, door(Dialect::OpenaiChat, "/v1/members")),
    ),
    // Mistral's dialect to the letter.
    (
        "/mistral/v1/chat/completions",
        Route::Call(door(Dialect::MistralChat, "/mistral/v1/chat/completions")),
    ),
    (
        "/mistral/v1/fim/completions",
        Route::Call(door(Dialect::MistralFim, "/mistral/v1/fim/completions")),
    ),
    (
        "/mistral/v1/embeddings",
        Route::Call(door(Dialect::MistralEmbeddings, "/mistral/v1/embeddings")),
    ),
    (
        "/mistral/v1/models",
        Route::Models(door(Dialect::MistralChat, "/mistral/v1/models")),
    ),
    // Called by the playground's page, for visitors.
    (
        "/playground/v1/chat/completions",
        Route::Play(Mode::Chat.door()),
    ),
    (
        "/playground/v1/completions",
        Route::Play(Mode::Completion.door()),
    ),
    (
        "/playground/v1/fim/completions",
        Route::Play(Mode::Fim.door()),
    ),
    (
        "/playground/v1/embeddings",
        Route::Play(Mode::Embeddings.door()),
    ),
    // Called by providers of payments.
    (
        "/webhooks/stripe",
        Route::Webhook(door(Dialect::OpenaiChat, "/webhooks/stripe")),
    ),
    // Called by operators and their machines.
    ("/health/live", Route::Live),
    ("/health/ready", Route::Ready),
    ("/metrics", Route::Metrics),
    // Used by people who sign in.
    ("/login", Route::People(people::Page::Login)),
    ("/logout", Route::People(people::Page::Logout)),
    ("/signup", Route::People(people::Page::SignUp)),
    ("/recover", Route::People(people::Page::Recover)),
    ("/console", Route::People(people::Page::Console)),
    ("/console/keys", Route::People(people::Page::Keys)),
    ("/console/receipts", Route::People(people::Page::Receipts)),
    ("/console/credits", Route::People(people::Page::Credits)),
    (
        "/console/credits.csv",
        Route::People(people::Page::CreditsFile),
    ),
    ("/console/members", Route::People(people::Page::Members)),
    ("/console/settings", Route::People(people::Page::Settings)),
    ("/admin/accounts", Route::People(people::Page::Accounts)),
    ("/admin/people", Route::People(people::Page::People)),
    ("/admin/providers", Route::People(people::Page::Providers)),
    ("/admin/examples", Route::People(people::Page::Examples)),
    ("/setup", Route::People(people::Page::Setup)),
    (
        "/setup/provider",
        Route::People(people::Page::SetupProvider),
    ),
    ("/setup/key", Route::People(people::Page::SetupKey)),
    ("/setup/live", Route::People(people::Page::SetupLive)),
    ("/console/seat", Route::People(people::Page::Seat)),
    // Read by people, and by machines that read pages.
    ("/", Route::Site(site::Page::Home)),
    ("/index.md", Route::Site(site::Page::HomeTwin)),
    ("/models", Route::Site(site::Page::Models)),
    ("/models.md", Route::Site(site::Page::ModelsTwin)),
    ("/models.json", Route::Site(site::Page::ModelsJson)),
    ("/compare", Route::Site(site::Page::Compare)),
    ("/playground", Route::Site(site::Page::Playground)),
    ("/docs", Route::Site(site::Page::Docs)),
    ("/docs.md", Route::Site(site::Page::DocsTwin)),
    ("/docs/search", Route::Site(site::Page::DocsSearch)),
    ("/status", Route::Site(site::Page::Status)),
    ("/status.md", Route::Site(site::Page::StatusTwin)),
    ("/status.json", Route::Site(site::Page::StatusJson)),
    ("/status.atom", Route::Site(site::Page::StatusFeed)),
    ("/openapi.json", Route::Site(site::Page::OpenApi)),
    ("/favicon.ico", Route::Site(site::Page::Favicon)),
    ("/robots.txt", Route::Site(site::Page::Robots)),
    ("/sitemap.xml", Route::Site(site::Page::Sitemap)),
    ("/llms.txt", Route::Site(site::Page::Llms)),
    ("/llms-full.txt", Route::Site(site::Page::LlmsFull)),
];

/// Paths with a variable part, between what they begin and end with.
pub const PREFIXES: &[(&str, &str, Route)] = &[
    (
        "/v1/keys/",
        "/rotate",
        Route::Api(
            Page::Rotation,
            door(Dialect::OpenaiChat, "/v1/keys/{id}/rotate"),
        ),
    ),
    (
        "/v1/keys/",
        "",
        Route::Api(Page::Key, door(Dialect::OpenaiChat, "/v1/keys/{id}")),
    ),
    (
        "/v1/members/",
        "",
        Route::Api(Page::Member, door(Dialect::OpenaiChat, "/v1/members/{id}")),
    ),
    (
        "/v1/credits/top-ups/",
        "",
        Route::Api(
            Page::TopUp,
            door(Dialect::OpenaiChat, "/v1/credits/top-ups/{id}"),
        ),
    ),
    (
        "/v1/models/",
        "",
        Route::Model(door(Dialect::OpenaiChat, "/v1/models/{id}")),
    ),
    (
        "/mistral/v1/models/",
        "",
        Route::Model(door(Dialect::MistralChat, "/v1/models/{id}")),
    ),
    (
        "/v1/receipts/",
        "",
        Route::Api(
            Page::Receipt,
            door(Dialect::OpenaiChat, "/v1/receipts/{id}"),
        ),
    ),
    ("/console/keys/", "", Route::People(people::Page::Key)),
    (
        "/console/receipts/",
        "",
        Route::People(people::Page::Receipt),
    ),
    ("/console/members/", "", Route::People(people::Page::Member)),
    ("/playground/receipts/", "", Route::PlayReceipt),
    ("/models/", "", Route::Site(site::Page::Model)),
    ("/makers/", "", Route::Site(site::Page::Maker)),
    ("/providers/", "", Route::Site(site::Page::Provider)),
    ("/docs/", "", Route::Site(site::Page::DocsChapter)),
    ("/use-cases/", "", Route::Site(site::Page::UseCase)),
    ("/assets/", "", Route::Site(site::Page::Asset)),
];

/// Finds the route of a path, with the variable part where it has one.
#[must_use]
pub fn find(path: &str) -> Option<(Route, &str)> {
    // Some clients add `/v1` to a base URL that has it already.
    let path = match path.strip_prefix("/v1/v1/") {
        Some(_) => &path[3..],
        None => path,
    };
    let path = if path.len() > 1 {
        path.strip_suffix('/').unwrap_or(path)
    } else {
        path
    };
    // Others put a path that begins with a slash behind a base URL that ends in one.
    let (begin, path) = match path.strip_prefix("/v1//") {
        Some(_) => ("/v1", &path[4..]),
        None => ("", path),
    };
    let is_it = |known: &str| known.strip_prefix(begin) == Some(path);
    if let Some((_, route)) = ROUTES.iter().find(|(known, _)| is_it(known)) {
        return Some((*route, ""));
    }
    PREFIXES.iter().find_map(|(prefix, suffix, route)| {
        let prefix = prefix.strip_prefix(begin)?;
        let id = path.strip_prefix(prefix)?.strip_suffix(suffix)?;
        (!id.is_empty()).then_some((*route, id))
    })
}

/// The methods of a route. Where `GET` is one, `HEAD` is too.
#[must_use]
pub const fn methods(route: Route) -> &'static [Method] {
    match route {
        Route::Call(_) | Route::Count(_) | Route::Webhook(_) => &[Method::POST],
        Route::Play(_) => &[Method::POST],
        Route::Site(site::Page::Playground) => &[Method::GET, Method::POST],
        Route::Api(page, _) => page.methods(),
        Route::People(page) => page.methods(),
        _ => &[Method::GET],
    }
}
