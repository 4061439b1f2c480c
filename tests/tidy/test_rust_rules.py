"""Rules for Rust sources that clippy does not state, or that a new crate could forget."""

import re
import tomllib

import pytest
from tests.tidy.rust_source import blank_literals, without_tests
from tests.tidy.sources import ROOT, RUST_MIN, read, relative, rust_files

# A parser may have a method `expect`; what takes a message is the one that panics.
PANICKING = re.compile(r"\.(?:unwrap(?:_err)?\s*\(\s*\)|expect(?:_err)?\s*\(\s*\")")
CRATES = ("types", "book", "feed", "parquet", "core", "sim", "run", "py")
# Who may depend on whom: the walls of docs/architecture.md, kept by the compiler once they are
# declared.
ALLOWED = {
    "mmbot-types": set(),
    "mmbot-book": {"mmbot-types"},
    "mmbot-feed": {"mmbot-types"},
    "mmbot-parquet": set(),
    "mmbot-core": {"mmbot-types", "mmbot-book"},
    "mmbot-sim": {"mmbot-types", "mmbot-book"},
    "mmbot-run": {"mmbot-types", "mmbot-book", "mmbot-feed", "mmbot-core", "mmbot-sim"},
}


def product_files():
    """Rust files that ship: neither tests nor benches."""
    return [
        path
        for path in rust_files("crates")
        if "/src/" in path.as_posix()
        and not path.stem.endswith("tests")
        and "tests" not in path.parts
    ]


def panics(source: str) -> list[int]:
    code = without_tests(blank_literals(source))
    return [
        source.count("\n", 0, match.start()) + 1
        for match in PANICKING.finditer(source)
        if code[match.start()] == "."
    ]


def test_product_code_does_not_unwrap():
    files = product_files()
    assert len(files) >= RUST_MIN
    found = [f"{relative(path)}:{line}" for path in files for line in panics(read(path))]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("fn f() {\n  x.unwrap();\n}", [2]),
        ('fn f() { x\n  .expect("why") }', [2]),
        ("fn f() { parser.expect(b'x')?; }", []),
        ("fn f() { x.unwrap_or(1) }", []),
        ("// x.unwrap()\nfn f() {}", []),
        ("#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }", []),
    ],
)
def test_panics_are_found_where_they_are(source, lines):
    assert panics(source) == lines


def test_every_file_is_part_of_a_crate():
    """A file that no `mod` names is never compiled, and nobody notices."""
    files = [path for path in rust_files("crates") if "/src/" in path.as_posix()]
    declared: dict[str, set[str]] = {path.relative_to(ROOT).parts[1]: set() for path in files}
    for path in files:
        names = re.findall(r"\bmod\s+(\w+)\s*[;{]", blank_literals(read(path)))
        declared[path.relative_to(ROOT).parts[1]].update(names)
    assert len(declared) == len(CRATES)
    orphans = [
        relative(path)
        for path in files
        if (path.parent.name if path.stem == "mod" else path.stem)
        not in declared[path.relative_to(ROOT).parts[1]] | {"lib", "main"}
    ]
    assert orphans == []


def test_crates_depend_only_downwards():
    for crate, allowed in ALLOWED.items():
        manifest = tomllib.loads(read(ROOT / "crates" / crate / "Cargo.toml"))
        ours = {name for name in manifest.get("dependencies", {}) if name.startswith("mmbot-")}
        assert ours <= allowed, crate


def test_every_crate_obeys_the_lints_of_the_workspace():
    manifests = sorted(ROOT.glob("crates/*/Cargo.toml"))
    assert len(manifests) == len(CRATES)
    for path in manifests:
        assert tomllib.loads(read(path))["lints"] == {"workspace": True}, relative(path)


def test_versions_agree():
    workspace = tomllib.loads(read(ROOT / "Cargo.toml"))["workspace"]["package"]["version"]
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["version"]
    assert f'__version__ = "{project}"' in read(ROOT / "src" / "mmbot" / "__init__.py")
    assert workspace == project
