//! The rule of arrows (docs/architecture.md), read from the sources themselves: which part of heshan may use which,
//! where GDAL and PROJ may appear, who may read files, the clock and the environment, and who may print.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Parts of `src/` and what each may use of ours, besides itself. `jobs` wires everything but the command line.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("units", &["error"]),
    ("gdal_log", &["error"]),
    ("model", &["units", "error"]),
    ("space", &["model", "units", "error", "gdal_log"]),
    ("read", &["model", "space", "units", "error", "gdal_log"]),
    ("prepare", &["model", "space", "units", "error"]),
    ("analysis", &["model", "space", "units", "error"]),
    ("record", &["model", "space", "units", "error"]),
    ("report", &["model", "space", "units", "error"]),
    ("write", &["model", "space", "units", "error", "gdal_log"]),
    (
        "jobs",
        &["error", "units", "gdal_log", "model", "space", "read", "prepare", "analysis", "record", "report", "write"],
    ),
    ("cli", &["jobs", "error", "model::Progress"]),
    ("main", &["cli"]),
];

/// Crates with a home of their own: files that begin with one of these may name them.
const HOMES: &[(&[&str], &[&str])] = &[
    (
        &["gdal", "gdal_sys"],
        &["src/read/", "src/write/", "src/space/clip.rs", "src/space/repair.rs", "src/gdal_log.rs"],
    ),
    (&["proj", "proj_sys"], &["src/prepare/crs.rs", "src/prepare/crs/"]),
    (&["rusqlite", "libsqlite3_sys"], &["src/record/geopackage.rs", "src/record/geopackage/"]),
    (&["postgres", "tokio_postgres"], &["src/record/postgis.rs", "src/record/postgis/"]),
];

/// Parts that see no file, clock, environment, process or network.
const PURE: &[&str] = &["model", "space", "prepare", "analysis", "report", "units"];
const OUTSIDE_WORLD: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::time::SystemTime",
    "std::time::Instant",
    "chrono::Utc::now",
    "chrono::Local",
];
const FILE_METHODS: &[&str] = &["exists", "try_exists", "is_file", "is_dir", "canonicalize", "read_dir"];

const PRINTERS: &[&str] = &["println", "eprintln", "print", "eprint", "dbg"];
const STREAMS: &[&str] = &["std::io::stdout", "std::io::stderr"];

#[test]
fn arrows_go_one_way() {
    let found = faults(&sources());
    assert!(found.is_empty(), "the rule of arrows (docs/architecture.md) is broken:\n\n{}\n", found.join("\n"));
}

/// All faults of the given sources (path from the repository's root, text), by file and line.
fn faults(files: &[(String, String)]) -> Vec<String> {
    let parsed: Vec<(&str, syn::File)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), syn::parse_file(text).unwrap_or_else(|e| panic!("{path}: {e}"))))
        .collect();
    let mut tree = Tree::default();
    for (path, file) in &parsed {
        tree.note(path, file);
    }
    let mut out = BTreeSet::new();
    for (path, file) in &parsed {
        let mut reader = Reader::new(path, &tree);
        reader.read_imports(&file.items);
        reader.visit_file(file);
        out.extend(reader.faults);
    }
    out.into_iter().map(|(file, line, text)| format!("{file}:{line}: {text}")).collect()
}

/// What must be known of all files before one is judged.
#[derive(Default)]
struct Tree {
    /// Parts: files and folders directly in `src/`.
    parts: BTreeSet<String>,
    /// Modules that are compiled for tests only.
    test_modules: BTreeSet<Vec<String>>,
    /// Names that `lib.rs` gives out again: `Error` → `error::Error`.
    given_out: BTreeMap<String, Vec<String>>,
}

impl Tree {
    fn note(&mut self, path: &str, file: &syn::File) {
        let module = module_of(path);
        self.parts.extend(module.first().cloned());
        let mut modules = Vec::new();
        test_modules(&module, &file.items, false, &mut modules);
        self.test_modules.extend(modules);
        if path == "src/lib.rs" {
            for (name, target, _) in imports(&file.items) {
                self.given_out.insert(name, target);
            }
        }
    }

    fn is_test(&self, module: &[String]) -> bool {
        (1..=module.len()).any(|n| self.test_modules.contains(&module[..n]))
    }
}

/// Modules under `module` that are declared `#[cfg(test)]`.
fn test_modules(module: &[String], items: &[syn::Item], test: bool, out: &mut Vec<Vec<String>>) {
    for item in items {
        if let syn::Item::Mod(m) = item {
            let mut inner = module.to_vec();
            inner.push(m.ident.to_string());
            let test = test || m.attrs.iter().any(is_cfg_test);
            if test {
                out.push(inner.clone());
            }
            if let Some((_, items)) = &m.content {
                test_modules(&inner, items, test, out);
            }
        }
    }
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`; `src/lib.rs` is the root; `src/main.rs` counts as a part.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    if inner == "lib" { Vec::new() } else { inner.split('/').map(str::to_owned).collect() }
}

/// `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn is_cfg_test(a: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &a.meta else { return false };
    let text = list.tokens.to_string().replace(' ', "");
    a.path().is_ident("cfg") && (text == "test" || text.starts_with("all(test,"))
}

/// Name, path and line of everything that `use` lines bring in; `*` is a name too.
fn imports(items: &[syn::Item]) -> Vec<(String, Vec<String>, Span)> {
    let mut out = Vec::new();
    for item in items {
        if let syn::Item::Use(u) = item {
            flatten(&u.tree, &mut Vec::new(), &mut out);
        }
    }
    out
}

fn flatten(tree: &syn::UseTree, path: &mut Vec<String>, out: &mut Vec<(String, Vec<String>, Span)>) {
    let with = |path: &[String], last: &syn::Ident| {
        let mut p = path.to_vec();
        // `use a::b::{self}` names a::b
        if last != "self" || p.is_empty() {
            p.push(last.to_string());
        }
        p
    };
    match tree {
        syn::UseTree::Path(p) => {
            path.push(p.ident.to_string());
            flatten(&p.tree, path, out);
            path.pop();
        }
        syn::UseTree::Name(n) => {
            let p = with(path, &n.ident);
            out.push((p.last().cloned().unwrap_or_default(), p, n.ident.span()));
        }
        syn::UseTree::Rename(r) => out.push((r.rename.to_string(), with(path, &r.ident), r.ident.span())),
        syn::UseTree::Glob(g) => {
            let mut p = path.clone();
            p.push("*".to_owned());
            out.push(("*".to_owned(), p, g.star_token.spans[0]));
        }
        syn::UseTree::Group(g) => g.items.iter().for_each(|t| flatten(t, path, out)),
    }
}

/// A path seen from the root: of ours (below `crate`) or of another crate.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Ours(Vec<String>),
    Other(Vec<String>),
}

/// Reads one file.
struct Reader<'a> {
    file: &'a str,
    tree: &'a Tree,
    module: Vec<String>,
    in_test: bool,
    /// What names in this file stand for.
    names: BTreeMap<String, Vec<String>>,
    faults: Vec<(String, usize, String)>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str, tree: &'a Tree) -> Self {
        let module = module_of(file);
        let in_test = tree.is_test(&module);
        Self { file, tree, module, in_test, names: BTreeMap::new(), faults: Vec::new() }
    }

    fn part(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }

    /// Notes what `use` lines bring in, those of inner modules and functions included.
    fn read_imports(&mut self, items: &[syn::Item]) {
        struct All(Vec<(String, Vec<String>, Span)>);
        impl<'ast> Visit<'ast> for All {
            fn visit_item_use(&mut self, u: &'ast syn::ItemUse) {
                flatten(&u.tree, &mut Vec::new(), &mut self.0);
            }
        }
        let mut all = All(Vec::new());
        items.iter().for_each(|i| all.visit_item(i));
        for (name, path, _) in all.0 {
            if name != "*" && path.first() != Some(&name) {
                self.names.insert(name, path);
            }
        }
    }

    /// The path from the root, with names that were brought in followed to where they come from.
    fn resolve(&self, path: &[String]) -> Seen {
        let mut path = path.to_vec();
        for _ in 0..8 {
            match self.names.get(&path[0]) {
                Some(target) => {
                    path.splice(0..1, target.iter().cloned());
                }
                None => break,
            }
        }
        let mut base = match path[0].as_str() {
            "crate" => Vec::new(),
            "heshan" if self.part() == "main" => Vec::new(),
            "self" | "super" => self.module.clone(),
            first if self.module.is_empty() && self.tree.parts.contains(first) => return Seen::Ours(path),
            _ => return Seen::Other(path),
        };
        let mut rest = &path[usize::from(path[0] != "super")..];
        while let Some(("super", after)) = rest.split_first().map(|(f, a)| (f.as_str(), a)) {
            base.pop();
            rest = after;
        }
        base.extend_from_slice(rest);
        if let Some(target) = base.first().and_then(|f| self.tree.given_out.get(f)) {
            let target: Vec<String> = target.iter().filter(|s| *s != "crate" && *s != "self").cloned().collect();
            base.splice(0..1, target);
        }
        Seen::Ours(base)
    }

    fn judge(&mut self, path: &[String], span: Span) {
        match self.resolve(path) {
            Seen::Ours(target) => self.judge_arrow(&target, span),
            Seen::Other(target) => self.judge_other(&target, span),
        }
    }

    fn judge_arrow(&mut self, target: &[String], span: Span) {
        let from = self.part().to_owned();
        let to = match target.first() {
            Some(first) if *first == from || from == "lib" => return,
            Some(first) => first,
            None => return,
        };
        if to == "*" {
            let say = format!("{from} → everything (`*` of the root): name the modules instead");
            return self.fault(span, say);
        }
        if !self.tree.parts.contains(to) && to != "cli" {
            return;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(part, _)| *part == from) else {
            let say = format!("src/{from} is not in the table MAY_USE of tests/layering.rs: say there what it may use");
            return self.fault(span, say);
        };
        let fits = |a: &&str| a.split("::").enumerate().all(|(i, s)| target.get(i).is_some_and(|t| t == s));
        if !allowed.iter().any(fits) {
            self.fault(span, format!("{from} → {} ({}): {}", to, target.join("::"), remedy(&from, to)));
        }
    }

    fn judge_other(&mut self, target: &[String], span: Span) {
        if self.in_test {
            return;
        }
        let path = target.join("::");
        let under = |root: &str| path == root || path.starts_with(&format!("{root}::"));
        for (crates, homes) in HOMES {
            if crates.iter().any(|c| under(c)) && !homes.iter().any(|h| self.file.starts_with(h)) {
                let say =
                    format!("{path}: the crate {} has its home in {}; {HOME_REMEDY}", target[0], homes.join(", "));
                self.fault(span, say);
            }
        }
        if PURE.contains(&self.part()) && OUTSIDE_WORLD.iter().any(|w| under(w)) {
            let say = format!("{path} in {}, which is pure: {PURE_REMEDY}", self.part());
            self.fault(span, say);
        }
        if STREAMS.iter().any(|s| under(s)) {
            self.judge_printing(&path, span);
        }
    }

    fn judge_printing(&mut self, what: &str, span: Span) {
        if self.part() != "cli" && !self.in_test {
            let say =
                format!("{what} in {}: only cli prints; return the value or report it through Progress", self.part());
            self.fault(span, say);
        }
    }

    fn fault(&mut self, span: Span, text: String) {
        self.faults.push((self.file.to_owned(), span.start().line, text));
    }

    /// Paths in the tokens of a macro call, which syn leaves unread.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let colon = |i: usize| matches!(tokens.get(i), Some(TokenTree::Punct(p)) if p.as_char() == ':');
        let mut i = 0;
        while i < tokens.len() {
            match &tokens[i] {
                TokenTree::Group(g) => self.read_tokens(g.stream()),
                TokenTree::Ident(first) => {
                    let (mut path, span) = (vec![first.to_string()], first.span());
                    while colon(i + 1) && colon(i + 2) {
                        let Some(TokenTree::Ident(next)) = tokens.get(i + 3) else { break };
                        path.push(next.to_string());
                        i += 3;
                    }
                    let called = matches!(tokens.get(i + 1), Some(TokenTree::Punct(p)) if p.as_char() == '!');
                    if called && path.last().is_some_and(|l| PRINTERS.contains(&l.as_str())) {
                        self.judge_printing(&format!("{}!", path.join("::")), span);
                    } else if path.len() > 1 {
                        self.judge(&path, span);
                    }
                }
                _ => {}
            }
            i += 1;
        }
    }

    fn within(&mut self, attrs: &[syn::Attribute], read: impl FnOnce(&mut Self)) {
        let before = self.in_test;
        self.in_test |= attrs.iter().any(is_cfg_test);
        read(self);
        self.in_test = before;
    }
}

const HOME_REMEDY: &str = "move the call there and hand the result on as a value";
const PURE_REMEDY: &str = "let read, write or cli do it, and pass the value in";

fn remedy(from: &str, to: &str) -> String {
    match from {
        "cli" => "the command line calls jobs and nothing below; give the job an option or a function for it".into(),
        "main" => "main starts cli and does nothing else".into(),
        "jobs" => {
            "a job knows nothing of the command line; take the value as an option, report through Progress".into()
        }
        "error" | "units" | "model" | "space" | "gdal_log" => {
            format!("{from} is what steps stand on and knows none of them; move what both need into {from} or below")
        }
        _ => format!("a step uses model, space, units and error only; let a job call {to} and pass the value in"),
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(i) => &i.attrs,
        syn::Item::Enum(i) => &i.attrs,
        syn::Item::Fn(i) => &i.attrs,
        syn::Item::Impl(i) => &i.attrs,
        syn::Item::Macro(i) => &i.attrs,
        syn::Item::Mod(i) => &i.attrs,
        syn::Item::Static(i) => &i.attrs,
        syn::Item::Struct(i) => &i.attrs,
        syn::Item::Trait(i) => &i.attrs,
        syn::Item::Type(i) => &i.attrs,
        syn::Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        self.within(attributes(item), |r| visit::visit_item(r, item));
    }

    fn visit_impl_item_fn(&mut self, f: &'ast syn::ImplItemFn) {
        self.within(&f.attrs, |r| visit::visit_impl_item_fn(r, f));
    }

    fn visit_item_mod(&mut self, m: &'ast syn::ItemMod) {
        self.module.push(m.ident.to_string());
        visit::visit_item_mod(self, m);
        self.module.pop();
    }

    fn visit_item_use(&mut self, u: &'ast syn::ItemUse) {
        let mut found = Vec::new();
        flatten(&u.tree, &mut Vec::new(), &mut found);
        for (_, path, span) in found {
            self.judge(&path, span);
        }
    }

    fn visit_path(&mut self, p: &'ast syn::Path) {
        let path: Vec<String> = p.segments.iter().map(|s| s.ident.to_string()).collect();
        if path.len() > 1 {
            self.judge(&path, p.segments[0].ident.span());
        }
        visit::visit_path(self, p);
    }

    fn visit_macro(&mut self, m: &'ast syn::Macro) {
        if let Some(last) = m.path.segments.last().filter(|s| PRINTERS.contains(&s.ident.to_string().as_str())) {
            self.judge_printing(&format!("{}!", last.ident), last.ident.span());
        }
        self.visit_path(&m.path);
        self.read_tokens(m.tokens.clone());
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        if !self.in_test && call.args.is_empty() && PURE.contains(&self.part()) && FILE_METHODS.contains(&name.as_str())
        {
            let say = format!(".{name}() looks at a file in {}, which is pure: {PURE_REMEDY}", self.part());
            self.fault(call.method.span(), say);
        }
        visit::visit_expr_method_call(self, call);
    }

    // pub(crate), pub(super) and attributes are no uses
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

/// All Rust files in `src/`, with their paths from the repository's root.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut out) = (vec![root.join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                out.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    out.sort();
    assert!(out.len() > 30, "only {} sources found in {}", out.len(), root.display());
    out
}

/// Each rule is broken once on purpose, in the ways in which it could hide.
mod planted {
    use super::faults;

    /// Faults of one file among the parts that exist.
    fn of(path: &str, text: &str) -> Vec<String> {
        let parts =
            ["read", "prepare", "analysis", "record", "report", "write", "model", "space", "jobs", "cli", "units"];
        let mut files: Vec<(String, String)> = parts.map(|p| (format!("src/{p}/mod.rs"), String::new())).into();
        files.push(("src/error.rs".into(), "pub struct Error;".into()));
        files.push(("src/lib.rs".into(), "pub mod error; pub use error::{Error, Result};".into()));
        files.push((path.into(), text.into()));
        faults(&files)
    }

    fn one(path: &str, text: &str, expected: &str) {
        let found = of(path, text);
        assert!(found.len() == 1 && found[0].contains(expected), "{text}\nexpected {expected}\nfound {found:#?}");
    }

    fn none(path: &str, text: &str) {
        let found = of(path, text);
        assert!(found.is_empty(), "{text}\nfound {found:#?}");
    }

    #[test]
    fn a_step_that_knows_a_step_is_caught() {
        let arrow = "src/report/a.rs:1: report → write";
        for text in [
            "use crate::write::vector;",
            "use crate::{error::Error, write::{self, vector}};",
            "use crate::write as out;",
            "use super::super::write::vector;",
            "use super::{super::write, b};",
            "fn f() { crate::write::vector::put(); }",
            "fn f(x: crate::write::Sink) {}",
            "mod inner { use super::super::super::write::vector; }",
            "use crate as root; fn f() { root::write::put(); }",
            "fn f() { let _ = format!(\"{}\", crate::write::put()); }",
            "fn f() -> Vec<crate::write::Sink> { vec![] }",
            "#[cfg(test)] mod tests { use crate::write::vector; }",
        ] {
            let found = of("src/report/a.rs", text);
            assert!(!found.is_empty() && found.iter().all(|f| f.starts_with(arrow)), "{text}\nfound {found:#?}");
        }
        one("src/report/mod.rs", "use super::write;", "report → write");
        one("src/report/mod.rs", "\n\nuse super::*;", "src/report/mod.rs:3: report → everything");
        one("src/model/a.rs", "use crate::space::area;", "model is what steps stand on");
        one("src/space/a.rs", "use crate::read::vector;", "space → read");
        one("src/report/a.rs", "use crate::write::vector;", "let a job call write and pass the value in");
    }

    #[test]
    fn what_the_rule_allows_is_not_caught() {
        none("src/report/a.rs", "use crate::{error::Error, model::Site, space, units::Metres}; use super::b;");
        none("src/report/a.rs", "use crate::Error; pub(crate) fn f() { let write = 1; self::g(write); }");
        none("src/jobs/a.rs", "use crate::{analysis, error, model, prepare, read, report, write};");
        none("src/read/a.rs", "use crate::gdal_log; use gdal::Dataset; fn f() { std::fs::read(\"a\"); }");
        none("src/cli/a.rs", "use crate::{Error, jobs::screen, model::Progress}; fn f() { println!(\"{}\", 1); }");
        none("src/main.rs", "fn main() { heshan::cli::run(std::env::args_os()); }");
    }

    #[test]
    fn the_command_line_calls_jobs_only() {
        one("src/cli/a.rs", "use crate::read::vector;", "cli → read");
        one("src/cli/a.rs", "use crate::model::Site;", "cli → model (model::Site)");
        one("src/cli/a.rs", "use crate::model;", "cli → model");
        one("src/jobs/a.rs", "use crate::cli::args;", "jobs → cli");
        one("src/main.rs", "fn main() { heshan::jobs::run(); }", "main → jobs");
    }

    #[test]
    fn gdal_and_proj_stay_at_home() {
        one("src/jobs/a.rs", "use gdal::Dataset;", "the crate gdal has its home");
        one("src/space/area.rs", "fn f() { gdal_sys::CPLFree(p) }", "the crate gdal_sys has its home");
        one("src/read/a.rs", "use proj::Proj;", "the crate proj has its home in src/prepare/crs.rs");
        one("src/analysis/a.rs", "use {gdal as g};", "the crate gdal has its home");
        none("src/space/clip.rs", "use gdal::vector::Geometry;");
        none("src/prepare/crs/pj.rs", "use proj_sys::PJ;");
        none("src/space/a.rs", "#[cfg(test)] mod tests { use gdal::vector::Geometry; }");
    }

    #[test]
    fn databases_stay_in_the_stores_of_record() {
        one(
            "src/jobs/a.rs",
            "use rusqlite::Connection;",
            "the crate rusqlite has its home in src/record/geopackage.rs",
        );
        one(
            "src/record/filing.rs",
            "use postgres::Client;",
            "the crate postgres has its home in src/record/postgis.rs",
        );
        one("src/record/postgis.rs", "use rusqlite::Connection;", "the crate rusqlite has its home");
        none("src/record/geopackage/schema.rs", "use rusqlite::Connection;");
        none("src/record/postgis.rs", "use postgres::Client;");
    }

    #[test]
    fn pure_parts_see_no_file_clock_or_environment() {
        for (text, what) in [
            ("use std::fs::File;", "std::fs::File"),
            ("use std::{env, path::Path};", "std::env"),
            ("fn f() { std::env::var(\"HOME\"); }", "std::env::var"),
            ("use chrono::Utc; fn f() { Utc::now(); }", "chrono::Utc::now"),
            ("use std::time; fn f() { time::SystemTime::now(); }", "std::time::SystemTime"),
            ("fn f() { let _ = format!(\"{:?}\", std::time::Instant::now()); }", "std::time::Instant"),
            ("fn f(p: &std::path::Path) { p.exists(); }", ".exists()"),
        ] {
            one("src/analysis/a.rs", text, what);
        }
        none("src/model/a.rs", "use chrono::{DateTime, Utc}; fn f(t: DateTime<Utc>) {}");
        none("src/write/a.rs", "use std::fs; fn f() { fs::rename(a, b); }");
    }

    #[test]
    fn only_the_command_line_prints() {
        one("src/jobs/a.rs", "fn f() { println!(\"done\"); }", "only cli prints");
        one("src/read/a.rs", "fn f() { std::io::stderr(); }", "std::io::stderr in read");
        one("src/lib.rs", "fn f() { std::eprintln!(\"x\"); }", "only cli prints");
        one("src/read/a.rs", "fn f() { g(|| vec![{ print!(\"x\"); 1 }]); }", "print! in read");
        none("src/read/a.rs", "#[cfg(test)] mod tests { fn f() { println!(\"skipped\"); } }");
    }

    #[test]
    fn a_test_module_in_its_own_file_counts_as_test() {
        let mut found = of("src/space/mod.rs", "#[cfg(test)] mod tests;");
        assert!(found.is_empty(), "{found:?}");
        let files = [("src/space/mod.rs", "#[cfg(test)] mod tests;"), ("src/space/tests.rs", "use gdal::Dataset;")];
        found = faults(&files.map(|(p, t)| (p.to_owned(), t.to_owned())));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_new_part_must_be_in_the_table() {
        one("src/helpers/a.rs", "use crate::model::Site;", "src/helpers is not in the table");
    }
}
