"""Text in every plane of Unicode comes back from MariaDB, also in the text of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.connectors.planes import PLANES

if TYPE_CHECKING:
    from tests.connectors.mysql.house import House


def test_text_in_every_plane_comes_back(house: House) -> None:
    rows = ", ".join(f"({plane}, '{text}')" for plane, text in enumerate(PLANES))
    house.sql(
        "CREATE TABLE plane (number INT PRIMARY KEY, text VARCHAR(9)) CHARSET utf8mb4;"
        f"INSERT INTO plane VALUES {rows};"
        f"CREATE VIEW highest AS SELECT '{PLANES[-1]}' AS text;"
    )
    content, facts = house.dump()
    house.sql("UPDATE plane SET text = '?'; DROP VIEW highest")

    house.restore(content, facts)

    assert house.sql("SELECT text FROM plane ORDER BY number").splitlines() == PLANES
    assert house.sql("SELECT text FROM highest").strip() == PLANES[-1]
