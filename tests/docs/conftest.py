"""One garden is planted for all the pages; each test gets a copy of its own."""

from __future__ import annotations

import pytest

from tests.docs.garden import Garden


@pytest.fixture(scope="session")
def planted_garden(tmp_path_factory: pytest.TempPathFactory) -> Garden:
    return Garden.planted(tmp_path_factory.mktemp("planted"))
