"""Deciding modules are pure: those whose docstring says so reach neither Dagster nor a store, through any import.

A module of `resources` may be pure too (how a store writes times, for example). Deciding modules may import it.
"""

import ast
import re
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
STORES = ("dagster", "resources", "pyiceberg", "psycopg", "obstore", "requests", "sqlite3")
MARK = "Pure."


def marked(folder: Path) -> list[str]:
    """The modules below a folder whose docstring's first paragraph ends with the mark."""
    modules = []
    for file in sorted(folder.rglob("*.py")):
        paragraph = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n\n")[0]
        if paragraph.endswith(MARK):
            modules.append(".".join(file.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__"))
    return modules


PURE_RESOURCES = set(marked(ROOT / "resources"))


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("assets", "resources", include_external_packages=True, cache_dir=None)


def reached(graph: grimp.ImportGraph, module: str) -> set[str]:
    """The packages of STORES that a module imports, itself or through others."""
    upstream = graph.find_upstream_modules(module) - PURE_RESOURCES
    return {name.partition(".")[0] for name in upstream} & set(STORES)


@pytest.mark.parametrize("module", [*marked(ROOT / "assets"), *sorted(PURE_RESOURCES)])
def test_a_marked_module_reaches_no_store(module: str) -> None:
    assert reached(imports(), module) == set()


@pytest.mark.parametrize("folder", ["assets", "resources"])
def test_the_mark_stands_where_it_is_looked_for(folder: str) -> None:
    found = set(marked(ROOT / folder))
    for file in sorted((ROOT / folder).rglob("*.py")):
        if re.search(r"\bPure\.$", ast.get_docstring(ast.parse(file.read_text())) or "", re.MULTILINE):
            assert ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") in found


def test_the_deciding_modules_are_marked() -> None:
    names = {module.rpartition(".")[2] for module in marked(ROOT / "assets")}
    assert {"plan", "validation", "delta", "sketch", "eligible", "layout", "windows", "lifecycle"} <= names


def test_a_module_that_reaches_a_store_is_found() -> None:
    assert reached(imports(), "assets.events.ingest") >= {"resources", "psycopg"}
    assert "dagster" in reached(imports(), "assets.events.assets")
