//! What a person meets who follows the pages for the first time: slips, shells that have less than
//! the server's, and starts that fail.

use vane_testkit::Authority;

use crate::cli::{Folder, stdout};

#[test]
fn a_word_that_is_no_level_silences_no_log() {
    let folder = Folder::new();
    for (log, said) in [
        ("warning", Some("did you mean `warn`?")),
        ("verbose", Some("must be a level")),
        ("info,hyper", Some("must be a level")),
        ("WARN", None),
        ("info,vane::upstream=debug", None),
        ("vane", None),
        ("off,vane_ledger=trace", None),
    ] {
        let check = folder
            .vane(&["check"])
            .env("VANE_LOG", log)
            .output()
            .unwrap();
        let told = stdout(&check);
        assert_eq!(check.status.success(), said.is_none(), "{log}: {told}");
        assert!(told.contains(said.unwrap_or("ok: ")), "{log}: {told}");
    }
}

#[test]
fn a_certificate_is_loaded_before_it_is_needed() {
    let folder = Folder::new();
    let authority = Authority::new("private").unwrap();
    let (one, other) = ("localhost", "elsewhere");
    let (one, other) = (authority.certificate(one), authority.certificate(other));
    let (one, other) = (one.unwrap(), other.unwrap());
    let check = |cert: &str, key: &str| {
        folder.write("cert.pem", cert);
        folder.write("key.pem", key);
        folder.write(
            "vane.toml",
            "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n",
        );
        let check = folder.run(&["check"]);
        (check.status.success(), stdout(&check))
    };
    let (passes, said) = check(&one.pem, &one.key_pem);
    assert!(passes, "{said}");
    for (cert, key, wrong) in [
        (
            "nonsense",
            one.key_pem.as_str(),
            "`tls.cert` has no certificate",
        ),
        (&one.pem, "nonsense", "`tls.key` cannot be read"),
        (
            &one.pem,
            &other.key_pem,
            "`tls.key` cannot be used with the certificate",
        ),
    ] {
        let (passes, said) = check(cert, key);
        assert!(!passes && said.contains(wrong), "{wrong}: {said}");
        assert!(!said.contains("nonsense"), "{said}");
    }
}
