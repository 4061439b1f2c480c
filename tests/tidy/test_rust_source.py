"""The scanner of Rust sources on what usually fools such scanners."""

from tests.tidy.rust_source import blank_literals, functions, without_tests

SOURCE = r"""
/// Doc with a brace { and a "quote
fn first<'a>(x: &'a str, n: [u8; 3]) -> char {
    let s = "}\" fn inside() {";
    let r = r#"raw " } fn "# ;
    /* outer /* inner } */ still } */
    let c = '{'; let q = '\''; let u = '\u{7d}';
    c
}

trait T { fn declared(&self, n: [u8; 2]); }

#[cfg(test)]
mod tests {
    fn helper() { x.unwrap(); }
}

#[cfg(test)]
mod elsewhere;

fn last() {}
"""


def test_functions_end_at_their_own_brace():
    found = [(item.name, item.line, item.length) for item in functions(blank_literals(SOURCE))]
    assert found == [("first", 3, 7), ("helper", 15, 1), ("last", 21, 1)]


def test_blanking_keeps_lines_and_length():
    code = blank_literals(SOURCE)
    assert len(code) == len(SOURCE)
    assert code.count("\n") == SOURCE.count("\n")
    assert "inside" not in code
    assert "'a" in code


def test_items_for_tests_are_left_out():
    code = without_tests(blank_literals(SOURCE))
    assert "unwrap" not in code
    assert "elsewhere" not in code
    assert "fn first" in code
    assert "fn last() {}" in code
