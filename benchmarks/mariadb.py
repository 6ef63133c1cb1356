"""MariaDB on a throwaway server: against mariadb-dump and mariadb with zstd, and against two packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import require_programs
from benchmarks.database_jobs import Shop, run_jobs
from tests.servers.mysql import serving_mariadb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.compare import Result

__all__ = ["run"]

_SCHEMA = """
CREATE TABLE product (id BIGINT PRIMARY KEY, sku VARCHAR(20) UNIQUE, title VARCHAR(100), price DECIMAL(10, 2));
CREATE TABLE sale (id BIGINT PRIMARY KEY, at DATETIME, note VARCHAR(200), total DECIMAL(12, 2), product_id BIGINT,
    KEY (at), FOREIGN KEY (product_id) REFERENCES product (id));
INSERT INTO product SELECT seq, CONCAT('sku-', seq), CONCAT('The ', MD5(seq)), seq * 1.37 FROM seq_1_to_{products};
INSERT INTO sale SELECT seq, '2024-01-01' + INTERVAL seq * 7 SECOND, CONCAT(MD5(seq), ' ordered by customer ',
    seq % 9999, ' ', REPEAT(CHAR(97 + seq % 26), 40)), (seq * 31 % 100000) / 100.0, 1 + seq % {products}
    FROM seq_1_to_{rows};
"""
_PROLOGUE = "import pymysql\npymysql.version_info = (2, 2, 1, 'final', 0)\npymysql.install_as_MySQLdb()"


def run(bench: Bench) -> Iterator[Result]:
    """Measure everything on one server."""
    require_programs("zstd", "mariadb", "mariadb-dump")
    options = "--innodb-buffer-pool-size=256M", "--innodb-log-file-size=256M"
    with serving_mariadb(*options, listening=True) as server:  # django-dbbackup knows no socket
        server.sql("CREATE DATABASE shop CHARACTER SET utf8mb4")
        connect = f"--no-defaults --socket={server.socket} --user=root"
        dump = f"mariadb-dump {connect} --single-transaction --quick --hex-blob shop"
        shop = Shop(
            name="mariadb",
            database=server.settings("shop"),
            driver="pymysql",
            prologue=_PROLOGUE,
            sql=lambda script: server.sql(script, "shop"),
            schema=_SCHEMA,
            rows=2_500_000,
            dump_label="mariadb-dump --single-transaction | zstd -3 -T0",
            restore_label="zstd -d | mariadb",
            raw_dump=f"{dump} | zstd -q -f -3 -T0 -o {{file}}",
            raw_restore=f"zstd -q -d < {{file}} | mariadb {connect} shop",
        )
        yield from run_jobs(bench, shop)
