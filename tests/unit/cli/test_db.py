"""`mmbot db`: what it prints, and with which exit code."""

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from tests.unit.store.sql.stores import busy_session, contents, opened, shipped

from mmbot.cli.app import run_cli
from mmbot.store.journal.retention import is_shipped
from mmbot.store.sql.tables import METADATA


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return busy_session(tmp_path_factory.mktemp("journal"), seconds=20)


@pytest.fixture
def db(store_url, capsys):
    """Runs `mmbot db` on a store: exit code, standard output, standard error."""

    def command(*args, url=True):
        code = run_cli(["db", *args, *(["--url", store_url] if url else [])])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.mark.spec("08-5.5")
def test_an_empty_store_is_upgraded_and_checked(db, store_url):
    if store_url.startswith("sqlite"):
        assert db("current")[0] == 1, "there is no file"
    assert db("upgrade") == (0, "| db | OK | from=none to=0001 |\n", "")
    assert db("upgrade") == (0, "| db | OK | from=0001 to=0001 |\n", "")
    assert db("current") == (0, "0001\n", "")
    assert db("check") == (0, "RESULT=OK\n", "")
    assert db("verify") == (0, "RESULT=OK\n", "")


@pytest.mark.spec("08-5.5")
def test_commands_refuse_a_store_of_another_version(db, store_url, tmp_path):
    with opened(store_url) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    for command in (
        ("check",),
        ("verify",),
        ("rebuild-positions",),
        ("export", "--table", "fills", "--out", str(tmp_path / "f.parquet")),
        ("backup", "--out", str(tmp_path / "b.db")),
    ):
        code, _, err = db(*command)
        assert code == 1, command
        assert err.startswith("E_STORE_SCHEMA:0000:0001: storage.url "), err
    assert list(tmp_path.glob("*.db*")) + list(tmp_path.glob("*.parquet")) == []


@pytest.mark.spec("08-5.5")
def test_a_check_and_a_verification_that_fail_exit_with_1(db, store_url, journal):
    with shipped(store_url, journal) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE positions SET qty = '7'"))
        connection.execute(text("DROP TABLE finops_runs"))
    code, out, _ = db("check")
    assert (code, out) == (1, "DB_CHECK add_table finops_runs\nRESULT=FAIL\n")
    with opened(store_url) as engine, engine.begin() as connection:
        METADATA.tables["finops_runs"].create(connection)
    code, out, _ = db("verify")
    assert code == 1
    assert out.startswith("VERIFY positions paper:s-1: position BTCUSDT is 7")
    assert out.endswith("RESULT=FAIL\n")
    assert db("rebuild-positions")[:2] == (0, "| db | OK | accounts=1 positions=2 |\n")
    assert db("verify")[:2] == (0, "RESULT=OK\n")


@pytest.mark.spec("08-5.5")
def test_a_backup_is_the_same_store_in_one_file_and_comes_back_by_a_copy(
    db, store_url, journal, tmp_path, capsys
):
    with shipped(store_url, journal) as engine:
        wanted = contents(engine)
    out = tmp_path / "backup.db"
    rows = sum(map(len, wanted.values()))
    assert db("backup", "--out", str(out)) == (0, f"wrote {out} rows={rows}\n", "")
    assert [path.name for path in tmp_path.glob("backup*")] == ["backup.db"]
    code, _, err = db("backup", "--out", str(out))
    assert (code, err) == (1, f"E_STORE_DISK: file={out} exists already\n")
    restored = f"sqlite:///{tmp_path}/restored.db"
    assert run_cli(["db", "copy", "--from", f"sqlite:///{out}", "--to", restored]) == 0
    assert capsys.readouterr().out.endswith("RESULT=OK\n")
    with opened(restored) as engine:
        assert contents(engine) == wanted


@pytest.mark.spec("08-5.5")
def test_a_copy_compares_every_table_and_takes_no_target_with_rows(
    db, store_url, journal, tmp_path, request
):
    targets = [f"sqlite:///{tmp_path}/target.db"]
    if store_url.startswith("postgresql"):
        targets.append(request.getfixturevalue("postgres").url())
    else:
        with opened(f"sqlite:///{tmp_path}/empty.db"):
            targets.append(f"sqlite:///{tmp_path}/empty.db")
    with shipped(store_url, journal) as engine:
        wanted = contents(engine)
    for target in targets:
        code, out, _ = db("copy", "--from", store_url, "--to", target, url=False)
        assert code == 0
        lines = out.splitlines()
        assert len(lines) == len(METADATA.tables) + 1
        assert all(line.endswith(" equal") for line in lines[:-1])
        with opened(target) as engine:
            assert contents(engine) == wanted
        code, _, err = db("copy", "--from", store_url, "--to", target, url=False)
        assert code == 1
        assert "the target holds rows already" in err


@pytest.mark.spec("08-5.5")
def test_an_export_is_exact_and_in_the_order_of_the_key(db, store_url, journal, tmp_path):
    with shipped(store_url, journal) as engine:
        wanted = contents(engine)
    for table in METADATA.sorted_tables:
        out = tmp_path / f"{table.name}.parquet"
        code, said, _ = db("export", "--table", table.name, "--out", str(out))
        assert (code, said) == (0, f"wrote {out} rows={len(wanted[table.name])}\n")
        found = pq.read_table(out)
        assert found.column_names == [column.name for column in table.columns]
        rows = [tuple(row.values()) for row in found.to_pylist()]
        assert sorted(rows, key=str) == sorted(wanted[table.name], key=str)
    fills = pq.read_table(tmp_path / "fills.parquet")
    assert str(fills.schema.field("price").type) == "decimal128(38, 18)"
    ids = fills.column("exec_id").to_pylist()
    assert len(ids) > 10
    assert list(tmp_path.glob("*.tmp")) == []


def test_an_unknown_table_is_refused_by_name(db, tmp_path):
    code, _, err = db("export", "--table", "filles", "--out", str(tmp_path / "f.parquet"))
    assert code == 1
    assert err.startswith("E_CFG_TYPE: --table has no value 'filles'; there are config_versions,")


@pytest.mark.spec("08-5.5")
def test_journals_are_shipped_by_command_and_a_damaged_one_is_named(
    db, store_url, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    journals = tmp_path / "data" / "journal"
    for name in ("one", "two", "three"):
        busy_session(journals, session=name, seconds=3)
    broken = journals / "two" / "0.mmj"
    data = bytearray(broken.read_bytes())
    data[len(data) // 2] ^= 1
    broken.write_bytes(data)
    code, out, err = db("ship")
    assert code == 1
    assert err.startswith(f"E_STORE_JOURNAL: file={journals.relative_to(tmp_path)}/two/0.mmj")
    assert out.startswith("| db | FAIL | sessions=2 records=")
    assert [is_shipped(journals / name) for name in ("one", "two", "three")] == [True, False, True]
    code, out, _ = db("ship", str(journals / "one"))
    assert (code, out) == (0, "| db | OK | sessions=1 records=0 events=0 fills=0 |\n")
    assert db("verify")[:2] == (0, "RESULT=OK\n")


def test_help_shows_examples(capsys):
    for name in (
        *("upgrade", "current", "check", "ship", "backup", "export", "copy"),
        *("rebuild-positions", "verify"),
    ):
        assert run_cli(["db", name, "--help"]) == 0
        shown = capsys.readouterr().out
        assert "Example" in shown
        assert f"mmbot db {name}" in shown
