"""The page of rails is what the code prints."""

import re

from tests.tidy.sources import ROOT, read

from mmbot.soak.rails import RAILS
from mmbot.soak.rails.page import rails_page


def test_the_tracked_page_is_current():
    assert read(ROOT / "docs" / "soak-rails.md") == rails_page()


def test_every_rail_stands_in_the_page_once():
    names = [rail.name for rail in RAILS]
    assert len(set(names)) == len(names) > 15
    rows = re.findall(r"^\| \d+ \| `(\w+)` \|", rails_page(), re.MULTILINE)
    assert rows == names
