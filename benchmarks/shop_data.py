"""Makes a SQLite database as a Django shop has it: `python -m benchmarks.shop_data PATH BYTES`.

Text, JSON, decimals as text, dates, foreign keys with their indexes, and thumbnails that do not compress. The
schema is written the way Django's migrations write it, so that no models need to be installed.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from datetime import UTC, datetime, timedelta

from benchmarks.prose import Prose

_SCHEMA = """
CREATE TABLE "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL,
    "name" varchar(255) NOT NULL, "applied" datetime NOT NULL);
CREATE TABLE "shop_customer" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "email" varchar(254) NOT NULL UNIQUE,
    "name" varchar(120) NOT NULL, "address" text NOT NULL, "joined_at" datetime NOT NULL,
    "preferences" text NOT NULL CHECK ((JSON_VALID("preferences") OR "preferences" IS NULL)), "active" bool NOT NULL);
CREATE TABLE "shop_product" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "sku" varchar(20) NOT NULL UNIQUE,
    "title" varchar(200) NOT NULL, "description" text NOT NULL, "price" decimal NOT NULL,
    "attributes" text NOT NULL CHECK ((JSON_VALID("attributes") OR "attributes" IS NULL)), "thumbnail" BLOB NOT NULL);
CREATE TABLE "shop_order" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "placed_at" datetime NOT NULL,
    "status" varchar(12) NOT NULL, "total" decimal NOT NULL, "note" text NULL,
    "customer_id" bigint NOT NULL REFERENCES "shop_customer" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "shop_orderline" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "quantity" integer unsigned NOT NULL
    CHECK ("quantity" >= 0), "unit_price" decimal NOT NULL,
    "order_id" bigint NOT NULL REFERENCES "shop_order" ("id") DEFERRABLE INITIALLY DEFERRED,
    "product_id" bigint NOT NULL REFERENCES "shop_product" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "shop_review" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "rating" smallint NOT NULL,
    "title" varchar(200) NOT NULL, "body" text NOT NULL, "written_on" date NOT NULL,
    "customer_id" bigint NOT NULL REFERENCES "shop_customer" ("id") DEFERRABLE INITIALLY DEFERRED,
    "product_id" bigint NOT NULL REFERENCES "shop_product" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "audit_event" ("id" char(32) NOT NULL PRIMARY KEY, "happened_at" datetime NOT NULL,
    "action" varchar(40) NOT NULL, "payload" text NOT NULL CHECK ((JSON_VALID("payload") OR "payload" IS NULL)),
    "actor_id" bigint NULL REFERENCES "shop_customer" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX "shop_order_placed_at_5f0b" ON "shop_order" ("placed_at");
CREATE INDEX "shop_order_status_1c2d" ON "shop_order" ("status");
CREATE INDEX "shop_order_customer_id_7a11" ON "shop_order" ("customer_id");
CREATE INDEX "shop_orderline_order_id_93b2" ON "shop_orderline" ("order_id");
CREATE INDEX "shop_orderline_product_id_04ce" ON "shop_orderline" ("product_id");
CREATE INDEX "shop_review_customer_id_b1fd" ON "shop_review" ("customer_id");
CREATE INDEX "shop_review_product_id_66aa" ON "shop_review" ("product_id");
CREATE INDEX "audit_event_happened_at_e0c9" ON "audit_event" ("happened_at");
CREATE INDEX "audit_event_actor_id_2f58" ON "audit_event" ("actor_id");
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('shop', '0001_initial', '2024-01-01 00:00:00');
"""
_START = datetime(2024, 1, 1, tzinfo=UTC)
_STATUSES = ("draft", "paid", "packed", "shipped", "returned")
_ACTIONS = ("order.created", "order.paid", "order.shipped", "customer.login", "customer.changed", "product.viewed")
# Rows of each table in one round; a round is about 1.5 MB with its indexes.
_CUSTOMERS, _PRODUCTS, _ORDERS, _LINES_PER_ORDER, _REVIEWS, _EVENTS = 150, 40, 500, 3, 350, 900


class Shop:
    """The rows, round by round; every row depends on the seed and the rows before it alone."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)
        self._prose = Prose(seed)
        self._agents = [self._text(8) for _ in range(40)]
        self._customers = self._products = self._orders = 0

    def add_round(self, database: sqlite3.Connection) -> None:
        """Add one round of rows to every table, in one transaction."""
        with database:
            database.executemany("INSERT INTO shop_customer VALUES (NULL,?,?,?,?,?,?)", self._customer_rows())
            database.executemany("INSERT INTO shop_product VALUES (NULL,?,?,?,?,?,?)", self._product_rows())
            database.executemany("INSERT INTO shop_order VALUES (NULL,?,?,?,?,?)", self._order_rows())
            database.executemany("INSERT INTO shop_orderline VALUES (NULL,?,?,?,?)", self._line_rows())
            database.executemany("INSERT INTO shop_review VALUES (NULL,?,?,?,?,?,?)", self._review_rows())
            database.executemany("INSERT INTO audit_event VALUES (?,?,?,?,?)", self._event_rows())

    def _customer_rows(self) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        for _ in range(_CUSTOMERS):
            self._customers += 1
            name = self._text(2).replace(".", "").title()
            email = f"{name.lower().replace(' ', '.')}.{self._customers}@example.org"
            preferences = {"language": self._source.choice(("en", "de", "fr", "pl")), "newsletter": self._chance(0.3)}
            active = self._chance(0.9)
            rows.append((email, name, self._text(9), self._moment(), json.dumps(preferences), active))
        return rows

    def _product_rows(self) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        for _ in range(_PRODUCTS):
            self._products += 1
            attributes = {
                "weight_g": self._source.randrange(5, 9000),
                "colours": self._text(self._source.randrange(1, 6)).split(),
                "dimensions": {"w": self._source.randrange(1, 200), "h": self._source.randrange(1, 200)},
            }
            thumbnail = self._source.randbytes(self._source.randrange(500, 2_500))
            description = self._text(self._source.randrange(60, 400))
            sku = f"SKU-{self._products:09d}"
            rows.append((sku, self._text(6), description, self._price(), json.dumps(attributes), thumbnail))
        return rows

    def _order_rows(self) -> list[tuple[object, ...]]:
        self._orders += _ORDERS
        return [
            (
                self._moment(),
                self._source.choice(_STATUSES),
                self._price(),
                self._text(self._source.randrange(5, 40)) if self._chance(0.4) else None,
                self._customer(),
            )
            for _ in range(_ORDERS)
        ]

    def _line_rows(self) -> list[tuple[object, ...]]:
        first = self._orders - _ORDERS + 1
        return [
            (self._source.randrange(1, 9), self._price(), order, self._product())
            for order in range(first, self._orders + 1)
            for _ in range(_LINES_PER_ORDER)
        ]

    def _review_rows(self) -> list[tuple[object, ...]]:
        return [
            (
                self._source.randrange(1, 6),
                self._text(5),
                self._text(self._source.randrange(20, 160)),
                self._moment()[:10],
                self._customer(),
                self._product(),
            )
            for _ in range(_REVIEWS)
        ]

    def _event_rows(self) -> list[tuple[object, ...]]:
        return [
            (
                self._source.randbytes(16).hex(),
                self._moment(),
                self._source.choice(_ACTIONS),
                json.dumps(
                    {
                        "path": f"/{self._text(2)}/",
                        "agent": self._source.choice(self._agents),
                        "ms": self._source.random() * 900,
                    }
                ),
                self._customer() if self._chance(0.8) else None,
            )
            for _ in range(_EVENTS)
        ]

    def _text(self, words: int) -> str:
        return self._prose.cut(self._source, words)

    def _price(self) -> str:
        return f"{self._source.randrange(50, 90_000) / 100:.2f}"

    def _moment(self) -> str:
        moment = _START + timedelta(microseconds=self._source.randrange(60_000_000_000_000))
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")

    def _chance(self, probability: float) -> bool:
        return self._source.random() < probability

    def _customer(self) -> int:
        return self._source.randint(1, self._customers)

    def _product(self) -> int:
        return self._source.randint(1, self._products)


def make_database(path: str, size_bytes: int) -> None:
    """Write a database of at least `size_bytes`, at most two rounds more."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=OFF")
    database.execute("PRAGMA synchronous=OFF")
    database.executescript(_SCHEMA)
    shop = Shop(seed=size_bytes)
    page_size = database.execute("PRAGMA page_size").fetchone()[0]
    while database.execute("PRAGMA page_count").fetchone()[0] * page_size < size_bytes:
        shop.add_round(database)
    database.execute("PRAGMA journal_mode=DELETE")
    database.close()


if __name__ == "__main__":
    make_database(sys.argv[1], int(sys.argv[2]))
