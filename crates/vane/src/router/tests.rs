//! Paths and the routes that they lead to.

use super::*;

#[test]
fn paths_find_their_routes() {
    let route = |path| find(path).map(|(route, _)| route);
    assert_eq!(route("/v1/v1/messages"), route("/v1/messages"));
    assert_eq!(route("/v1/messages/"), route("/v1/messages"));
    assert_eq!(route("/v1//messages/"), route("/v1/messages"));
    assert_eq!(find("/v1//models/a/b"), find("/v1/models/a/b"));
    for none in [
        "//v1/messages",
        "/v1//",
        "/v1//v1/messages",
        "/v1//health/live",
    ] {
        assert_eq!(route(none), None, "{none}");
    }
    assert!(matches!(
        find("/v1/models/codestral/codestral-latest"),
        Some((Route::Model(_), "codestral/codestral-latest"))
    ));
    assert_eq!(route("/v2/messages"), None);
    assert_eq!(route("/v1/models/x/../../health"), route("/v1/models/y"));
}

#[test]
fn every_path_stands_once() {
    for (at, (path, _)) in ROUTES.iter().enumerate() {
        assert!(
            ROUTES[..at].iter().all(|(other, _)| other != path),
            "{path}"
        );
    }
}
