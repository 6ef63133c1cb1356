from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.site import Site, make_site

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")
