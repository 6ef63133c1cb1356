# ruff: noqa: E501 - statements are easier to read in a line
"""The name of a database in its own views and triggers: told from columns, tables and texts that are called the same."""

from __future__ import annotations

import pytest

from django_snapshots.connectors._mysql_names import may_act_on, unqualified_trigger, view_in

VIEW = "CREATE OR REPLACE ALGORITHM=UNDEFINED DEFINER=`blog`@`localhost` SQL SECURITY DEFINER VIEW `blog` AS "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "select `blog`.`t`.`id` AS `id` from ((`blog`.`t` left join `vo`.`o` on(`blog`.`t`.`i` = `vo`.`o`.`i`)) join (`blog`.`t` `t3` join `blog`.`t`))",
            "select `new`.`t`.`id` AS `id` from ((`new`.`t` left join `vo`.`o` on(`new`.`t`.`i` = `vo`.`o`.`i`)) join (`new`.`t` `t3` join `new`.`t`))",
        ),
        (
            "select `blog`.`id` AS `id`,max(`blog`.`i`) AS `blog` from (`blog`.`blog` join `vo`.`o`) where `blog`.`id` in (select `blog`.`t`.`id` from `blog`.`t`)",
            "select `blog`.`id` AS `id`,max(`blog`.`i`) AS `blog` from (`new`.`blog` join `vo`.`o`) where `blog`.`id` in (select `new`.`t`.`id` from `new`.`t`)",
        ),
        (
            "select extract(year from `blog`.`at`) AS `y`,trim(both 'x' from `blog`.`name`) AS `n` from `blog`",
            "select extract(year from `blog`.`at`) AS `y`,trim(both 'x' from `blog`.`name`) AS `n` from `blog`",
        ),
        (
            "select '`blog`.`t`.`i` it\\'s ''' AS `a.b`,`blog`.`f`(`blog`.`i`) AS `f`,nextval(`blog`.`sq`) AS `n` from `vo`.`blog` `blog`",
            "select '`blog`.`t`.`i` it\\'s ''' AS `a.b`,`new`.`f`(`blog`.`i`) AS `f`,nextval(`new`.`sq`) AS `n` from `vo`.`blog` `blog`",
        ),
        (
            "select straight_join `blog`.`i` AS `i` from (`blog`.`t` `blog` straight_join `blog`.`o`)",
            "select straight_join `blog`.`i` AS `i` from (`new`.`t` `blog` straight_join `new`.`o`)",
        ),
        (
            "with x as (select `blog`.`t`.`id` AS `a` from `blog`.`t`)select `x`.`a` AS `a` from (`x` join `vo`.`o`)",
            "with x as (select `new`.`t`.`id` AS `a` from `new`.`t`)select `x`.`a` AS `a` from (`x` join `vo`.`o`)",
        ),
    ],
)
def test_the_database_of_a_view_is_replaced_only_where_it_is_meant(text: str, expected: str) -> None:
    assert view_in(VIEW + text, "blog", "new") == VIEW + expected


def test_names_with_backticks_are_quoted_again() -> None:
    assert view_in("select `a``b`.`t`.`i` from `a``b`.`t`", "a`b", "c`d") == "select `c``d`.`t`.`i` from `c``d`.`t`"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "CREATE DEFINER=`a b`@`localhost` trigger shop.tr before insert on `shop` . item for each row set @x = shop.f()",
            "CREATE DEFINER=`a b`@`localhost` trigger tr before insert on item for each row set @x = shop.f()",
        ),
        (
            'CREATE OR REPLACE DEFINER=`r`@`%` TRIGGER IF NOT EXISTS `tr` AFTER UPDATE ON "shop"."it em" FOR EACH ROW BEGIN END',
            'CREATE OR REPLACE DEFINER=`r`@`%` TRIGGER IF NOT EXISTS `tr` AFTER UPDATE ON "it em" FOR EACH ROW BEGIN END',
        ),
        ("CREATE TRIGGER tr BEFORE DELETE ON shop FOR EACH ROW SET @x = 1", None),
        ("CREATE PROCEDURE p() SELECT 'TRIGGER a.b BEFORE INSERT ON c.d FOR EACH ROW'", None),
    ],
)
def test_a_trigger_loses_the_database_before_its_name_and_its_table(text: str, expected: str | None) -> None:
    assert unqualified_trigger(text) == (expected or text)
    assert not may_act_on(unqualified_trigger(text), "shop")


def test_a_trigger_whose_text_cannot_be_read_is_not_executed_elsewhere() -> None:
    text = "CREATE TRIGGER tr /* of the shop */ BEFORE INSERT ON shop.item FOR EACH ROW SET @x = 1"

    assert unqualified_trigger(text) == text
    assert may_act_on(text, "shop")
    assert not may_act_on(text, "hop")
