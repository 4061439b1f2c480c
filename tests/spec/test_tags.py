"""Tags are found where they are, and a tag of no test is a complaint."""

import pytest
from tests.spec.catalogue import Catalogue, Rule, load_catalogue, place
from tests.spec.coverage import complaints, page, without_test
from tests.spec.tags import Found, Tag, python_tags, rust_tags

TEST = "tests/unit/test_a.py"


def names(found: Found) -> list[tuple[str, str]]:
    return [(tag.rule, tag.test.rsplit("::", 1)[1]) for tag in found.tags]


def rule(rule_id: str, later: str | None = None) -> Rule:
    return Rule(rule_id, "a title", later)


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("@pytest.mark.spec('01-1')\ndef test_a(): pass", [("01-1", "test_a")]),
        (
            "@pytest.mark.spec('01-1', '02-5.2/3')\nasync def test_a(): pass",
            [("01-1", "test_a"), ("02-5.2/3", "test_a")],
        ),
        (
            """
pytestmark = [pytest.mark.slow, pytest.mark.spec('01-1')]
def test_a(): pass
@mark.spec('01-2')
def test_b(): pass
""",
            [("01-1", "test_a"), ("01-1", "test_b"), ("01-2", "test_b")],
        ),
        (
            """
@pytest.mark.parametrize('a', [pytest.param(1, marks=pytest.mark.spec('01-1'))])
def test_a(a): pass
""",
            [("01-1", "test_a")],
        ),
        ("def test_a(): 'pytest.mark.spec(01-1)'", []),
    ],
)
def test_python_tags_are_found(source, tags):
    found = python_tags(TEST, source)
    assert (names(found), found.complaints) == (tags, [])


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        (TEST, "@pytest.mark.spec('01-1')\ndef helper(): pass", "belongs to no test"),
        (TEST, "def test_a():\n    pytest.mark.spec('01-1')", "belongs to no test"),
        ("tests/worlds.py", "@pytest.mark.spec('01-1')\ndef test_a(): pass", "belongs to no test"),
        (TEST, "@pytest.mark.spec(RULE)\ndef test_a(): pass", "a tag is a text"),
        (
            TEST,
            "@pytest.mark.skip(reason='x')\n@pytest.mark.spec('01-1')\ndef test_a(): pass",
            "always skipped",
        ),
    ],
)
def test_python_tags_of_no_test_are_refused(path, source, complaint):
    assert complaint in "".join(python_tags(path, source).complaints)


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("/// spec: 01-1\n#[test]\nfn a() {}", [("01-1", "a")]),
        ("#[test]\n/// spec: 01-1\nfn a() {}", [("01-1", "a")]),
        (
            "/// Says more.\n/// spec: 01-1, 01-2 02-D3\n/// spec: 03-1\n#[test]\nfn a() {}",
            [("01-1", "a"), ("01-2", "a"), ("02-D3", "a"), ("03-1", "a")],
        ),
        (
            """
proptest! {
    /// spec: 01-1
    #[test]
    fn a(x in 0..3) {}

    #[test]
    fn b(x in 0..3) {}
}
""",
            [("01-1", "a")],
        ),
        ("fn f(spec: u32) {}\n/// spec of a lane\nfn g() {}", []),
    ],
)
def test_rust_tags_are_found(source, tags):
    found = rust_tags("crates/a/src/a.rs", source)
    assert (names(found), found.complaints) == (tags, [])


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("/// spec: 01-1\nfn a() {}", "belongs to no test"),
        ("/// spec: 01-1\n#[test]\n\nfn a() {}", "belongs to no test"),
        ("/// spec: 01-1\nconst A: u32 = 1;", "belongs to no test"),
        ("/// spec: 01-1\n#[test]\n#[ignore]\nfn a() {}", "ignored"),
        ("// spec: 01-1\n#[test]\nfn a() {}", "stands in a `///` line"),
        ("//! spec: 01-1", "stands in a `///` line"),
    ],
)
def test_rust_tags_of_no_test_are_refused(source, complaint):
    found = rust_tags("crates/a/src/a.rs", source)
    assert complaint in "".join(found.complaints)
    assert found.tags == []


def test_unknown_rules_and_rules_that_no_longer_wait_are_refused():
    catalogue = Catalogue({"01": "One"}, {"01-1": rule("01-1"), "01-2": rule("01-2", "why")})
    tags = [Tag(name, "t::a") for name in ("01-1", "01-2", "01-3", "04-7", "1.2")]
    assert complaints(catalogue, Found(tags, ["kept"])) == [
        "kept",
        "t::a: no rule 01-3",
        "t::a: 1.2 is not an id of a rule",
        "01-2: waits for a later version, but a test names it",
    ]


def test_a_rule_without_a_test_is_named_and_shown():
    catalogue = Catalogue({"01": "One"}, {"01-1": rule("01-1"), "01-2": rule("01-2", "why")})
    assert without_test(catalogue, []) == ["01-1"]
    assert without_test(catalogue, [Tag("01-1", "t::a")]) == []
    shown = page(catalogue, [Tag("04-7", "t::b")])
    assert "| 01-1 | a title | **none** |" in shown
    assert "| 01-2 | a title | later: why |" in shown
    assert "| 04-7 | `t::b` |" in shown
    assert "0 of 1 rules have a test; 1 wait" in shown


def test_rules_stand_in_the_order_of_the_specification():
    ordered = ["01-2", "01-2.1", "01-2.10", "01-10", "01-10.3", "01-10.3/2", "01-D2", "02-1"]
    assert sorted(ordered, key=place) == ordered
    assert list(load_catalogue().rules) == sorted(load_catalogue().rules, key=place)


@pytest.mark.parametrize("rule_id", ["", "1-2", "01-", "01-a", "01-D", "01-1/", "01-1.", "01-1 "])
def test_what_is_no_id_is_refused(rule_id):
    with pytest.raises(ValueError, match="not an id"):
        place(rule_id)


def test_a_catalogue_with_a_reason_for_nothing_is_refused(tmp_path):
    file = tmp_path / "rules.toml"
    file.write_text('[files]\n[later]\n"01-2" = "x"\n[rules]\n"01-1" = "y"\n', encoding="ascii")
    with pytest.raises(ValueError, match="unknown \\['01-2'\\]"):
        load_catalogue(file)
