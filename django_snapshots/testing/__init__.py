"""Contract suites: pytest classes that a plugin of anybody's must pass, as ours do. Needs pytest.

from django_snapshots.testing import StorageContract

class TestShare(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path):
        return Share(tmp_path)
"""

from __future__ import annotations

import pytest

# Before the import: pytest shows the values of a failing assert only in modules it knows as tests.
pytest.register_assert_rewrite(
    "django_snapshots.testing.storage",
    "django_snapshots.testing.advanced_storage",
    "django_snapshots.testing.connector",
)

from django_snapshots.testing.advanced_storage import AdvancedStorageContract  # noqa: E402
from django_snapshots.testing.connector import ConnectorContract  # noqa: E402
from django_snapshots.testing.storage import StorageContract  # noqa: E402

__all__ = ["AdvancedStorageContract", "ConnectorContract", "StorageContract"]
