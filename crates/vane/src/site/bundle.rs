//! Modules of a script as one file: fetched once, and packed better than each alone.
//!
//! Invariant: a module keeps its own names. Each becomes a function that is called once and
//! returns what it exports; an import takes it from there, so that modules stand after those that
//! they import.

use std::fmt::Write;

/// The modules in their order, without indentation and lines that are comments: no module has
/// text over lines, and imports and exports stand on lines of their own.
pub(super) fn bundled(modules: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, source) in modules {
        let mut exports: Vec<&str> = Vec::new();
        let _ = writeln!(out, "const {name}$ = (() => {{");
        let lines = source.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with("//")) {
            if let Some((names, from)) = imported(line) {
                let _ = writeln!(out, "const {names} = {from}$;");
                continue;
            }
            let declared = line.strip_prefix("export ");
            exports.extend(declared.and_then(declares));
            out.push_str(declared.unwrap_or(line));
            out.push('\n');
        }
        let _ = writeln!(out, "return {{ {} }};\n}})();", exports.join(", "));
    }
    out
}

/// `import { a, b } from "./name.js";`, or all of a module: what it is called here, and its module.
fn imported(line: &str) -> Option<(&str, &str)> {
    let (names, from) = line.strip_prefix("import ")?.split_once(" from \"./")?;
    let from = from.strip_suffix(".js\";")?;
    Some((names.strip_prefix("* as ").unwrap_or(names), from))
}

/// The name that a declaration makes.
fn declares(declaration: &str) -> Option<&str> {
    let kinds = ["async", "function", "function*", "const", "class"];
    let mut words = declaration.split([' ', '(']);
    words.find(|word| !kinds.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_keeps_its_names_and_gives_what_it_exports() {
        let one = "// says\nexport const a = 1;\nconst hidden = 2;\nexport async function* b() {\n  return hidden;\n}\nexport class C extends D {}\n";
        let two = "import { a, b } from \"./one.js\";\nimport * as all from \"./one.js\";\nb(a, all.C);\n";
        let wanted = "const one$ = (() => {\nconst a = 1;\nconst hidden = 2;\nasync function* b() {\nreturn hidden;\n}\nclass C extends D {}\nreturn { a, b, C };\n})();\nconst two$ = (() => {\nconst { a, b } = one$;\nconst all = one$;\nb(a, all.C);\nreturn {  };\n})();\n";
        assert_eq!(bundled(&[("one", one), ("two", two)]), wanted);
    }
}
