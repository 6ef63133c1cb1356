"""A schema with everything in it that dumps and restores are known to stumble over."""

from __future__ import annotations

__all__ = ["AWKWARD", "LATER"]

AWKWARD = r"""
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE SCHEMA "Mixed Case";
CREATE SCHEMA "select";
COMMENT ON SCHEMA "select" IS 'a reserved word; and a '' quote';

CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'ünï 🎉', E'back\\slash; --');
CREATE DOMAIN posint AS integer DEFAULT 1 CHECK (VALUE > 0);
CREATE TYPE pair AS (a text, b posint);
CREATE TYPE span AS RANGE (subtype = timestamptz);
CREATE COLLATION german (provider = icu, locale = 'de-u-ks-level2', deterministic = false);
CREATE SEQUENCE ticket START 1000 INCREMENT 7 CACHE 1;
SELECT nextval('ticket'), nextval('ticket');

CREATE FUNCTION add_one(i integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT i + 1; -- ; COPY x FROM stdin;
$$;
CREATE FUNCTION atomic_case(i integer) RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT CASE WHEN i > 0 THEN 'a;b' ELSE 'END' END; SELECT 'last'::text; END;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  NEW.note := coalesce(NEW.note, '') || $q$;
\.
$q$;
  RETURN NEW;
END $body$;
CREATE PROCEDURE "select"."do; it"() LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
CREATE OPERATOR @+ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4pl);
CREATE CAST (pair AS text) WITH INOUT;

CREATE TABLE "Mixed Case"."Weird ""quoted""; table" (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 42) PRIMARY KEY,
    "group" text NOT NULL DEFAULT $$it's; \. $$,
    feeling mood,
    price numeric(1000, 900),
    at timestamptz,
    day date,
    odd double precision,
    raw bytea,
    tags hstore,
    folded citext,
    p posint,
    pairs pair[],
    during span,
    matrix integer[][],
    data jsonb,
    upper_group text GENERATED ALWAYS AS (upper("group")) STORED
);
INSERT INTO "Mixed Case"."Weird ""quoted""; table"
    ("group", feeling, price, at, day, odd, raw, tags, folded, p, pairs, during, matrix, data) VALUES
    (E'tab\there\nnewline\\backslash\r\\.', 'ünï 🎉', 1e-800, 'infinity', '4713-01-01 BC', 'NaN',
     '\x00ff0a0d5c2e', 'a=>"b; \"c\""', 'MiXed', 7, ARRAY[ROW('x, "y"', 2)::pair], '[2020-01-01,)', '{{1,2},{3,4}}',
     '{"k": [1, null, "é\\ \" \n"]}'),
    (E'\\.\n\\.', NULL, 'NaN', '-infinity', 'infinity', '-Infinity', '', NULL, '', 1, NULL, 'empty', '{}', 'null'),
    ('𐍈 𝄞 👩‍👩‍👧‍👦 ' || U&'\202Ertl\202C', 'sad', 99999999999999999999, '0001-01-01 00:00+00 BC', '5874897-12-31',
     1e-323, NULL, '',
     'ß', 2147483647, '{}', NULL, NULL, '[]');
CREATE TABLE empty_one ();
CREATE TABLE dropped_column (a integer, b text, c integer);
INSERT INTO dropped_column VALUES (1, 'gone', 3);
ALTER TABLE dropped_column DROP COLUMN b;

CREATE TABLE egg (id integer PRIMARY KEY, hen integer);
CREATE TABLE hen (id integer PRIMARY KEY, egg integer NOT NULL REFERENCES egg (id) DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE egg ADD CONSTRAINT from_hen FOREIGN KEY (hen) REFERENCES hen (id) DEFERRABLE INITIALLY DEFERRED;
BEGIN; INSERT INTO egg VALUES (1, 1), (2, NULL); INSERT INTO hen VALUES (1, 1); COMMIT;

CREATE TABLE measure (at date NOT NULL, value integer, note text) PARTITION BY RANGE (at);
CREATE TABLE measure_old PARTITION OF measure FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE measure_new PARTITION OF measure FOR VALUES FROM ('2026-01-01') TO (MAXVALUE) PARTITION BY HASH (value);
CREATE TABLE measure_new_0 PARTITION OF measure_new FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE measure_new_1 PARTITION OF measure_new FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON measure (value);
INSERT INTO measure SELECT '2025-12-01'::date + i, i, 'n' || i FROM generate_series(1, 100) i;
CREATE TRIGGER touch BEFORE INSERT ON measure_old FOR EACH ROW EXECUTE FUNCTION touched();

CREATE TABLE parent_table (id serial PRIMARY KEY, kind text);
CREATE TABLE child_table (extra text) INHERITS (parent_table);
INSERT INTO child_table (kind, extra) VALUES ('c', 'x'), ('d', NULL);
CREATE UNIQUE INDEX child_lower ON child_table (lower(kind)) WHERE extra IS NOT NULL;
CREATE STATISTICS kinds (dependencies) ON kind, extra FROM child_table;
CREATE TABLE booking (room integer, during tsrange, EXCLUDE USING gist (during WITH &&));
INSERT INTO booking VALUES (1, '[2020-01-01,2020-01-02)');
CREATE UNLOGGED TABLE scratchpad AS SELECT 1 AS one;

CREATE VIEW moods AS SELECT feeling, count(*) FROM "Mixed Case"."Weird ""quoted""; table" GROUP BY feeling;
CREATE MATERIALIZED VIEW totals AS SELECT sum(value) AS total FROM measure WITH DATA;
CREATE UNIQUE INDEX ON totals (total);
CREATE MATERIALIZED VIEW never_filled AS SELECT 1 AS x WITH NO DATA;
CREATE RULE redirect AS ON DELETE TO dropped_column DO INSTEAD (UPDATE egg SET hen = hen; UPDATE hen SET egg = egg);
CREATE VIEW recursive_one AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3) TABLE n;

ALTER TABLE egg ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_eggs ON egg FOR SELECT TO other USING (id > 1);
GRANT SELECT (id), UPDATE (hen) ON egg TO other;
GRANT USAGE ON SCHEMA "Mixed Case" TO other WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION add_one(integer) TO other;
REVOKE EXECUTE ON FUNCTION add_one(integer) FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO other;
ALTER DEFAULT PRIVILEGES IN SCHEMA "select" GRANT SELECT ON TABLES TO other;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
COMMENT ON TABLE hen IS E'comes first;\n-- or not\n\\! touch /tmp/never';
COMMENT ON COLUMN hen.egg IS 'COPY hen FROM stdin;';

SELECT lo_from_bytea(70001, decode(repeat('00ff5c27', 20000), 'hex'));
SELECT lo_from_bytea(70002, '');
GRANT SELECT ON LARGE OBJECT 70001 TO other;
COMMENT ON LARGE OBJECT 70001 IS 'a large one';
CREATE PUBLICATION news FOR TABLE hen;
"""

LATER = r"""
ALTER DATABASE CURRENT SET search_path = public, "select";
CREATE TABLE came_later (id integer PRIMARY KEY, egg integer REFERENCES egg (id));
CREATE VIEW came_later_view AS SELECT * FROM hen;
CREATE SCHEMA later_schema;
CREATE TABLE later_schema.t (f mood);
CREATE FUNCTION came_later_f(mood) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TYPE later_mood AS ENUM ('x');
CREATE DOMAIN later_domain AS mood;
CREATE EXTENSION pg_trgm;
CREATE SEQUENCE later_sequence;
CREATE MATERIALIZED VIEW later_matview AS SELECT * FROM totals;
CREATE OPERATOR @- (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4mi);
CREATE AGGREGATE later_total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE COLLATION later_collation (provider = icu, locale = 'fr');
CREATE TEXT SEARCH CONFIGURATION later_search (COPY = simple);
CREATE PUBLICATION later_news FOR TABLE egg;
CREATE POLICY later_policy ON hen USING (true);
ALTER TABLE hen ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE hen ADD COLUMN later_column text DEFAULT 'x';
ALTER TYPE mood ADD VALUE 'later';
ALTER TABLE parent_table RENAME TO renamed_parent;
ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO other;
ALTER DEFAULT PRIVILEGES IN SCHEMA later_schema GRANT ALL ON SEQUENCES TO other;
GRANT ALL ON SCHEMA public TO other WITH GRANT OPTION;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
COMMENT ON SCHEMA public IS 'changed since';
SELECT lo_from_bytea(70003, 'later');
SELECT lo_unlink(70002);
UPDATE measure SET value = value + 1;
TRUNCATE "Mixed Case"."Weird ""quoted""; table";
SELECT setval('ticket', 5);
DROP TABLE booking;
"""
