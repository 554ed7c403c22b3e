"""Sender kinds x recipient kinds x options x direction x tenants x mode, as the table matrix.txt has them."""

from pathlib import Path

import pytest

from harness.matrix import read_table, run
from harness.tenants import TenantsWorld

SECTIONS = read_table(Path(__file__).with_name("matrix.txt"))


def test_the_table_is_large():
    assert sum(len(rows) for _, rows in SECTIONS.values()) >= 100


@pytest.mark.parametrize("title", SECTIONS)
def test_rows(mta, title, record_property):
    settings, rows = SECTIONS[title]
    world = TenantsWorld(mta, **settings)
    try:
        wrong = run(world, rows)
    finally:
        left = world.stop()
    assert not wrong + left, "\n".join(wrong + left)
    record_property(f"rows of the matrix on {mta}", len(rows))
