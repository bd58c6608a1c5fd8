//! The way out: proxies and certificate authorities.

use super::Outbound;
use super::node::Node;
use super::problem::Place;
use super::read::{Read, list, text};
use super::reader::variable_name;
use super::section::Section;
use super::server::file;

/// The variables that programs usually heed, first come first.
const HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const HTTP: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

const WANTED: &str = "must be a proxy such as \"http://proxy:3128\"";
const NO_SOCKS: &str = "Vane does not speak SOCKS";

impl Outbound {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let outbound = Self {
            https_proxy: proxy(&mut section, "https_proxy", &HTTPS),
            http_proxy: proxy(&mut section, "http_proxy", &HTTP),
            no_proxy: section
                .take("no_proxy", text)
                .or_else(|| usual(&section, &["NO_PROXY", "no_proxy"]).map(|(_, said)| said)),
            extra_ca: section.take("extra_ca", list(file)).unwrap_or_default(),
        };
        section.finish();
        outbound
    }
}

/// A proxy: ours, or the one that programs usually take.
fn proxy(section: &mut Section<'_>, key: &'static str, names: &[&str]) -> Option<String> {
    let ours = section.has(key);
    let taken = section.take(key, |node: &Node| proxy_url(&text(node)?));
    if ours {
        return taken;
    }
    let (name, said) = usual(section, names)?;
    let (place, path) = (Place::Variable(name), section.path_of(key));
    let own = variable_name(&path);
    match proxy_url(&said) {
        Ok(url) => return Some(url),
        // It was set for other programs: none of ours is a reason to stop for it.
        Err(_) if is_socks(&said) => {
            let what = format!(
                "is not taken, and calls go out without it: {NO_SOCKS}; {own} names another"
            );
            section.reader.warn(place, path, what);
        }
        Err(what) => {
            let what = format!("{what}; {own} overrules this variable");
            section.reader.problem(place, path, what);
        }
    }
    None
}

fn usual(section: &Section<'_>, names: &[&str]) -> Option<(String, String)> {
    let environment = section.reader.environment;
    names
        .iter()
        .find_map(|name| Some(((*name).to_owned(), environment.get(name)?.to_owned())))
}

fn is_socks(said: &str) -> bool {
    let scheme = said
        .trim()
        .split_once("://")
        .map_or("", |(scheme, _)| scheme);
    scheme.to_ascii_lowercase().starts_with("socks")
}

/// The URL is not repeated: it may hold a password. Without a scheme it is taken as other
/// programs take it.
fn proxy_url(said: &str) -> Read<String> {
    let said = said.trim();
    let url = if said.contains("://") {
        said.to_owned()
    } else {
        format!("http://{said}")
    };
    let authority = url
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'));
    match authority {
        Some(authority) if !authority.is_empty() && !authority.contains('/') => Ok(url),
        _ if is_socks(said) => Err(format!("{WANTED}: {NO_SOCKS}")),
        _ => Err(WANTED.to_owned()),
    }
}

/// A proxy's URL may hold a password.
impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hidden = |proxy: &Option<String>| proxy.as_ref().map(|_| "<proxy>");
        f.debug_struct("Outbound")
            .field("https_proxy", &hidden(&self.https_proxy))
            .field("http_proxy", &hidden(&self.http_proxy))
            .field("no_proxy", &self.no_proxy)
            .field("extra_ca", &self.extra_ca)
            .finish()
    }
}
