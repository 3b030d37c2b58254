//! House rules that a machine can watch: sizes of files, links in the docs, one docs page a verb.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Longest file in `src/`: beyond it, a file is two things (DESIGN section 1).
const MAX_LINES: usize = 600;
/// Largest file outside `data-samples/`, in bytes.
const MAX_BYTES: u64 = 1_000_000;

#[test]
fn files_in_src_are_short() {
    let mut long = Vec::new();
    for path in files(&root().join("src"), "rs") {
        let lines = read(&path).lines().count();
        if lines > MAX_LINES {
            long.push(format!("{}: {lines} lines, at most {MAX_LINES}; split it by what its parts are", name(&path)));
        }
    }
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

#[test]
fn files_are_small() {
    let mut all = Vec::new();
    walk(&root(), &mut all);
    let large: Vec<String> = all
        .iter()
        .filter(|p| !name(p).starts_with("data-samples/"))
        .filter_map(|p| Some((p, std::fs::metadata(p).ok()?.len())))
        .filter(|(_, bytes)| *bytes > MAX_BYTES)
        .map(|(p, bytes)| format!("{}: {bytes} bytes, at most {MAX_BYTES}; make it by a script", name(p)))
        .collect();
    assert!(large.is_empty(), "\n{}\n", large.join("\n"));
}

#[test]
fn links_in_the_docs_lead_somewhere() {
    let mut pages = files(&root().join("docs"), "md");
    pages.extend(["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|n| root().join(n)));
    assert!(pages.len() > 10, "the docs are not where they were: {pages:?}");
    let broken: Vec<String> = pages.iter().flat_map(|p| broken_links(p)).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn both_readmes_have_the_same_headings() {
    let levels =
        |n: &str| -> Vec<usize> { prose(&read(&root().join(n))).filter_map(heading).map(|(level, _)| level).collect() };
    let (en, zh) = (levels("README.md"), levels("README.zh-CN.md"));
    assert_eq!(en, zh, "levels of the headings of README.md and README.zh-CN.md; what one says the other says too");
    assert!(!en.is_empty());
}

#[test]
fn every_verb_has_a_page() {
    let verbs = verbs();
    assert!(verbs.contains("screen"), "enum Verb of src/cli/args.rs was not understood: {verbs:?}");
    let missing: Vec<&String> =
        verbs.iter().filter(|v| !root().join(format!("docs/reference/{v}.md")).exists()).collect();
    assert!(missing.is_empty(), "verbs without docs/reference/<verb>.md: {missing:?}");
}

#[test]
fn pages_of_verbs_name_the_options_there_are() {
    let shared = options("completions");
    let mut wrong = Vec::new();
    for verb in verbs() {
        let has = options(&verb);
        let page = read(&root().join(format!("docs/reference/{verb}.md")));
        let named = flags(&page);
        // the shared ones are explained once, on the page of screen
        let own = |o: &&String| verb == "screen" || !shared.contains(*o);
        wrong.extend(has.iter().filter(own).filter(|o| !named.contains(*o)).map(|o| format!("{verb}: {o} is missing")));
        wrong.extend(named.difference(&has).map(|o| format!("{verb}: there is no {o}")));
    }
    assert!(wrong.is_empty(), "docs/reference/<verb>.md against --help:\n{}", wrong.join("\n"));
}

/// Long options of a verb and of the verbs below it, `--help` and `--version` left out.
fn options(verb: &str) -> BTreeSet<String> {
    let help = help(&[verb]);
    let mut found: BTreeSet<String> = BTreeSet::new();
    // verbs of a verb (fire import) are explained on one page
    for sub in subcommands(&help) {
        for line in self::help(&[verb, &sub]).lines().map(str::trim_start).filter(|l| l.starts_with('-')) {
            found.extend(flags(line));
        }
    }
    for line in help.lines().map(str::trim_start).filter(|l| l.starts_with('-')) {
        found.extend(flags(line));
    }
    assert!(found.len() > 5, "{verb} --help was not understood: {help}");
    found.retain(|o| o != "--help" && o != "--version");
    found
}

fn help(verb: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_heshan"));
    String::from_utf8(command.args(verb).arg("--help").output().unwrap().stdout).unwrap()
}

/// Names below `Commands:`.
fn subcommands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    // names stand two columns in; what is further in goes on with a description
    let names =
        list.filter(|l| l.starts_with("  ") && !l.starts_with("   ")).filter_map(|l| l.split_whitespace().next());
    names.filter(|n| *n != "help").map(str::to_owned).collect()
}

/// Words of the form `--name`.
fn flags(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'))
        .filter(|w| w.starts_with("--") && w.len() > 3 && w.as_bytes()[2] != b'-' && *w != "--help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_reason_code_is_explained() {
    let mut codes = BTreeSet::new();
    for path in files(&root().join("src"), "rs") {
        codes.extend(reason_codes(&syn::parse_file(&read(&path)).unwrap()));
    }
    assert!(codes.contains("null_geometry") && codes.len() > 10, "the codes were not understood: {codes:?}");
    let page = read(&root().join("docs/reference/skipped.md"));
    let missing: Vec<&String> = codes.iter().filter(|c| !page.contains(&format!("| `{c}` |"))).collect();
    assert!(missing.is_empty(), "reason codes without a row in docs/reference/skipped.md: {missing:?}");
}

/// Reason codes of a source: the first `snake_case` text among the arguments of what makes notes on features, the field
/// `code` of a struct, and what a function named `code` answers.
fn reason_codes(file: &syn::File) -> BTreeSet<String> {
    let mut reader = CodeReader::default();
    reader.visit_file(file);
    reader.0
}

#[derive(Default)]
struct CodeReader(BTreeSet<String>);

impl CodeReader {
    const MAKERS: [&str; 6] = ["note", "aside", "skip", "skipped", "extra", "finding"];

    fn take<'a>(&mut self, maker: &str, arguments: impl IntoIterator<Item = &'a syn::Expr>) {
        if Self::MAKERS.contains(&maker) {
            self.0.extend(arguments.into_iter().filter_map(snake_text).next());
        }
    }
}

fn snake_text(e: &syn::Expr) -> Option<String> {
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(s), .. }) = e else { return None };
    let s = s.value();
    (s.contains('_') && s.chars().all(|c| c.is_ascii_lowercase() || c == '_')).then_some(s)
}

impl<'ast> Visit<'ast> for CodeReader {
    fn visit_expr_call(&mut self, c: &'ast syn::ExprCall) {
        if let syn::Expr::Path(p) = &*c.func
            && let Some(last) = p.path.segments.last()
        {
            self.take(&last.ident.to_string(), &c.args);
        }
        visit::visit_expr_call(self, c);
    }

    fn visit_expr_method_call(&mut self, c: &'ast syn::ExprMethodCall) {
        self.take(&c.method.to_string(), &c.args);
        visit::visit_expr_method_call(self, c);
    }

    fn visit_field_value(&mut self, f: &'ast syn::FieldValue) {
        if matches!(&f.member, syn::Member::Named(n) if n == "code") {
            self.0.extend(snake_text(&f.expr));
        }
        visit::visit_field_value(self, f);
    }

    fn visit_impl_item_fn(&mut self, f: &'ast syn::ImplItemFn) {
        if f.sig.ident == "code" {
            let mut texts = Texts::default();
            texts.visit_block(&f.block);
            self.0.extend(texts.0);
        }
        visit::visit_impl_item_fn(self, f);
    }
}

#[derive(Default)]
struct Texts(Vec<String>);

impl<'ast> Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, l: &'ast syn::LitStr) {
        self.0.push(l.value());
    }
}

/// Verbs of the command line: the variants of `enum Verb`, spelt as clap spells them.
fn verbs() -> BTreeSet<String> {
    let file = syn::parse_file(&read(&root().join("src/cli/args.rs"))).unwrap();
    file.items
        .iter()
        .filter_map(|i| match i {
            syn::Item::Enum(e) if e.ident == "Verb" => Some(&e.variants),
            _ => None,
        })
        .flatten()
        .map(|v| kebab(&v.ident.to_string()))
        .collect()
}

fn kebab(camel: &str) -> String {
    let mut out = String::new();
    for (i, c) in camel.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// Links of a page whose file or heading is not there; links to the web are left to people.
fn broken_links(page: &Path) -> Vec<String> {
    let text = read(page);
    let mut out = Vec::new();
    for line in prose(&text) {
        for target in links(line) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = page.parent().unwrap();
            let to = if file.is_empty() { page.to_path_buf() } else { folder.join(file) };
            if !to.exists() {
                out.push(format!("{}: there is no {target}", name(page)));
            } else if !anchor.is_empty() && !anchors(&read(&to)).contains(anchor) {
                out.push(format!("{}: there is no heading for {target}", name(page)));
            }
        }
    }
    out
}

/// Targets of `[text](target)` in a line; what stands in `code` is no link.
fn links(line: &str) -> Vec<&str> {
    line.split('`')
        .step_by(2)
        .flat_map(|part| part.match_indices("](").filter_map(|(i, _)| part[i + 2..].split_once(')').map(|(t, _)| t)))
        .collect()
}

/// Lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |l| {
        let fence = l.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// Level and text of a heading.
fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let text = line[level..].strip_prefix(' ')?;
    (level > 0).then_some((level, text.trim()))
}

/// Anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .filter_map(heading)
        .map(|(_, t)| {
            t.to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    walk(folder, &mut all);
    all.retain(|p| p.extension().is_some_and(|e| e == extension));
    assert!(!all.is_empty(), "no .{extension} in {}", folder.display());
    all
}

/// All files below a folder, in order; what git ignores by `.gitignore` is left out.
fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let n = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(
                n.as_str(),
                "target" | ".git" | "node_modules" | "demo-out" | "__pycache__" | ".venv" | ".tools"
            ) {
                walk(&path, out);
            }
        } else {
            out.push(path);
        }
    }
}

mod planted {
    use super::*;

    #[test]
    fn links_are_found_and_checked() {
        assert_eq!(links("see [a](b.md), `[not](this)` and [c](d/e.md#f)."), ["b.md", "d/e.md#f"]);
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("a.md");
        std::fs::write(
            &page,
            "# One thing: two\n[good](a.md#one-thing-two) [web](https://example.org)\n```\n[code](x.md)\n```\n[bad](b.md) [bad](#two)\n",
        )
        .unwrap();
        let broken = broken_links(&page);
        assert_eq!(broken.len(), 2, "{broken:?}");
        assert!(broken[0].ends_with("there is no b.md") && broken[1].ends_with("there is no heading for #two"));
    }

    #[test]
    fn reason_codes_are_found() {
        let source = r#"
            impl Reason { fn code(self) -> &'static str { match self { Self::A => "spike_a", Self::B => "b" } } }
            fn f() {
                note(&info, fid, true, "code_one", "a_text", "x");
                self.extra(0, fid, "code_two", "text", "x");
                list.push(Reason { code: "code_three", text });
                other("not_a_code");
            }
        "#;
        let found = reason_codes(&syn::parse_file(source).unwrap());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["b", "code_one", "code_three", "code_two", "spike_a"]);
    }

    #[test]
    fn headings_in_code_do_not_count() {
        assert_eq!(prose("# a\n```sh\n# b\n```\n## c\n#d").filter_map(heading).count(), 2);
        assert_eq!(kebab("FireTrack"), "fire-track");
    }
}
