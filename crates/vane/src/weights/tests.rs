//! Names, and what a shelf finds by them.

use std::path::PathBuf;

use super::*;

mod pulls;

/// A folder of its own for each test, gone with it.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vane-weights-{}-{test}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A file of a snapshot, as the hub's cache has it: a link to a blob.
    fn put(&self, model: &str, commit: &str, file: &str) {
        let folder = self.0.join(model);
        let link = folder.join("snapshots").join(commit).join(file);
        std::fs::create_dir_all(folder.join("blobs")).unwrap();
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        let blob = folder.join("blobs").join(file.replace('/', "+"));
        std::fs::write(&blob, b"x").unwrap();
        std::os::unix::fs::symlink(&blob, link).unwrap();
    }

    fn point(&self, model: &str, branch: &str, commit: &str) {
        let refs = self.0.join(model).join("refs");
        std::fs::create_dir_all(&refs).unwrap();
        std::fs::write(refs.join(branch), commit).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for said in [
        "org/repo",
        "org/repo@v1.0",
        "o-r_g/R.1:a/b.gguf",
        "o/r@refs/pr/1:Q4_K_M",
    ] {
        assert_eq!(said.parse::<Name>().unwrap().to_string(), said);
    }
    let name: Name = "org/repo@main:x.gguf".parse().unwrap();
    assert_eq!(name.revision.as_deref(), Some("main"));
    assert_eq!(name.file.as_deref(), Some("x.gguf"));
}

#[test]
fn no_name_leads_out_of_its_folder() {
    for said in [
        "",
        "repo",
        "/repo",
        "org/",
        "../repo",
        "org/..",
        "a--b/c",
        "org/a/b",
        "org/repo:",
        "org/repo:../x",
        "org/repo:/etc/passwd",
        "org/repo:a//b",
        "org/repo@../../x",
        "org/repo@.",
        "org/re po",
        "org/repo:a\n.gguf",
        ".hidden/repo",
        "org/repo:.git/config",
    ] {
        assert!(said.parse::<Name>().is_err(), "{said:?}");
    }
}

#[test]
fn a_name_finds_its_file_at_its_revision() {
    let folder = Folder::new("finds");
    let model = "models--org--repo";
    folder.put(model, "c1", "a-Q4_K.gguf");
    let shelf = Shelf::new(folder.0.clone());
    let found = |said: &str| {
        shelf.resolve(said).map(|path| {
            path.strip_prefix(folder.0.join(model).join("snapshots"))
                .unwrap()
                .display()
                .to_string()
        })
    };
    // Without a branch the only snapshot is meant.
    assert_eq!(found("org/repo").unwrap(), "c1/a-Q4_K.gguf");
    folder.put(model, "c2", "a-Q4_K.gguf");
    folder.put(model, "c2", "a-Q8_0.gguf");
    folder.point(model, "main", "c2\n");
    assert_eq!(found("org/repo@c1").unwrap(), "c1/a-Q4_K.gguf");
    assert_eq!(found("org/repo:a-Q8_0.gguf").unwrap(), "c2/a-Q8_0.gguf");
    assert_eq!(found("org/repo:q4_k").unwrap(), "c2/a-Q4_K.gguf");
    let several = found("org/repo").unwrap_err().to_string();
    assert!(
        several.contains("org/repo:a-Q4_K.gguf, org/repo:a-Q8_0.gguf"),
        "{several}"
    );
    assert!(matches!(
        found("org/repo:F16"),
        Err(Missing::NoSuchFile { .. })
    ));
    assert!(matches!(
        found("org/repo@v9"),
        Err(Missing::NotPulled { .. })
    ));
    let missing = found("org/other").unwrap_err().to_string();
    assert!(missing.contains("vane weights pull org/other"), "{missing}");
}

#[test]
fn split_files_are_one_and_safetensors_are_their_folder() {
    let folder = Folder::new("split");
    for file in ["q/m-00001-of-00002.gguf", "q/m-00002-of-00002.gguf"] {
        folder.put("models--o--split", "c", file);
    }
    for file in ["config.json", "model.safetensors", "tekken.json"] {
        folder.put("models--o--folder", "c", file);
    }
    folder.put("models--o--none", "c", "README.md");
    let shelf = Shelf::new(folder.0.clone());
    let split = shelf.resolve("o/split").unwrap();
    assert!(split.ends_with("c/q/m-00001-of-00002.gguf"), "{split:?}");
    assert!(shelf.resolve("o/folder").unwrap().ends_with("snapshots/c"));
    assert!(matches!(
        shelf.resolve("o/none"),
        Err(Missing::NoWeights { .. })
    ));
}

#[test]
fn a_path_that_is_there_is_meant_as_one() {
    let folder = Folder::new("path");
    let file = folder.0.join("m.gguf");
    std::fs::write(&file, b"x").unwrap();
    let shelf = Shelf::new(folder.0.clone());
    assert_eq!(shelf.resolve(file.to_str().unwrap()).unwrap(), file);
}

#[test]
fn a_path_that_leads_nowhere_is_not_told_to_be_pulled() {
    let folder = Folder::new("nowhere");
    let shelf = Shelf::new(folder.0.clone());
    for said in [
        "/srv/weights/m.gguf",
        "weights/m.gguf",
        "./tekken.json",
        "tekken.json",
        "org/tokenizer.model",
        "not pulled",
    ] {
        let missing = shelf.resolve(said).unwrap_err();
        assert!(matches!(missing, Missing::NoPath), "{said}: {missing}");
    }
    for said in ["org/repo", "org/repo-v0.1", "org/repo:m.gguf"] {
        let missing = shelf.resolve(said).unwrap_err();
        let named = matches!(missing, Missing::NotPulled { .. });
        assert!(named, "{said}: {missing}");
    }
    folder.put("models--org--repo.gguf", "c", "m.gguf");
    assert!(shelf.resolve("org/repo.gguf").is_ok());
}
