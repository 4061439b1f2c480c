import pytest

from mmbot.market.importers.job import ImportOptions, import_files


@pytest.fixture
def run(tmp_path):
    def run(*paths, **options):
        return import_files(paths, ImportOptions(out=tmp_path / "catalog", **options))

    return run
