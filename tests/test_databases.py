"""How many artifacts a backup dumps at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.site import make_site

if TYPE_CHECKING:
    from pathlib import Path

ASK = """
import os
from django.db import connections, transaction
from django_snapshots.databases import jobs_of_a_backup
found = []
for processors in (1, 3, 16):
    os.sched_getaffinity = lambda _pid: set(range(processors))
    found.append(jobs_of_a_backup({configured}))
with transaction.atomic():
    found.append(jobs_of_a_backup({configured}))
print(found)
"""


@pytest.mark.parametrize(("configured", "jobs"), [(None, [1, 3, 4, 1]), (6, [6, 6, 6, 1])])
def test_as_many_as_there_are_processors_up_to_four_unless_a_number_is_set(
    tmp_path: Path, configured: int | None, jobs: list[int]
) -> None:
    site = make_site(tmp_path / "site")

    assert site.python(ASK.format(configured=configured)).strip() == str(jobs)
