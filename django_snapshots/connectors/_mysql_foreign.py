"""What the dump program of MariaDB writes of a MySQL database that no MySQL takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_snapshots.connectors._mysql_programs import Program
    from django_snapshots.connectors._mysql_server import Session

__all__ = ["refuse_columns_of_mysql"]

_SHOWN_MAX = 5


def refuse_columns_of_mysql(session: Session, dumper: Program) -> None:
    """Raise where mariadb-dump would write rows of a MySQL database that cannot be loaded again.

    It writes values for generated columns, which MySQL refuses (error 3105), and vectors as if they were text.

    Raises:
        SnapshotConnectorError: Names the columns.
    """
    if session.is_mariadb or not dumper.is_mariadb:
        return
    found = session.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
        " AND (generation_expression <> '' OR data_type = 'vector') ORDER BY 1, 2"
    )
    if not found:
        return
    shown = [f"{table}.{column}" for table, column in found[:_SHOWN_MAX]]
    more = f" and {len(found) - _SHOWN_MAX} more" if len(found) > _SHOWN_MAX else ""
    raise session.database.error(
        f"{dumper.path} is MariaDB's, and what it writes of generated columns and vectors MySQL does not take back: "
        f"{', '.join(shown)}{more} in {session.database}. Install the client programs of MySQL, or dump it by "
        f"SNAPSHOTS['DATABASE_CONNECTORS']['{session.database.alias}'] = 'dumpdata'. No dump was made."
    )
