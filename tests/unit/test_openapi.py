"""The document of the HTTP interface: whole, sound, and of exactly the routes there are."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from documented import DOCUMENT, resolve

from ocellus import __version__
from ocellus.adapters.embedded.hosting import read_site
from ocellus.http import api, predict

ROOT = Path(__file__).parents[2]
ROUTES = sorted({**api.ROUTES, **predict.ROUTES})
PROTOCOLS = ("/v1/", "/v2")
OPERATIONS: dict[tuple[str, str], dict[str, Any]] = {
    (method.upper(), path): operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(node, dict):
        yield node
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from nodes(child)


def test_every_route_is_documented_and_nothing_else() -> None:
    assert sorted(OPERATIONS) == ROUTES


def test_the_document_and_the_package_are_of_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert DOCUMENT["info"]["version"] == __version__ == project["version"]


def test_every_reference_leads_somewhere() -> None:
    references = [node for node in nodes(DOCUMENT) if "$ref" in node]
    assert references
    for reference in references:
        assert resolve(reference), reference


def test_every_component_is_used() -> None:
    references = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}
    for kind in ("schemas", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in references


def test_required_properties_are_described() -> None:
    for node in nodes(DOCUMENT["components"]["schemas"]):
        if "properties" in node and isinstance(node.get("required"), list):
            assert set(node["required"]) <= set(node["properties"])


def test_operations_are_named_once() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_an_operation_tells_what_it_takes_and_gives(route: tuple[str, str]) -> None:
    operation = OPERATIONS[route]
    assert operation["summary"].endswith(".")
    assert {"name": operation["tags"][0]} in DOCUMENT["tags"]
    assert "schema" in operation["responses"]["200"]["content"]["application/json"]
    for status, response in operation["responses"].items():
        if "$ref" in response:
            content = resolve(response)["content"]
            protocol = route[1].startswith(PROTOCOLS)
            kind = "application/json" if protocol else "application/problem+json"
            assert list(content) == [kind], status


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_what_changes_something_needs_the_token(route: tuple[str, str]) -> None:
    operation = OPERATIONS[route]
    changes = route[0] != "GET" and not route[1].startswith(("/api/predict", *PROTOCOLS))
    assert ("security" in operation) == changes
    assert ("401" in operation["responses"]) == changes


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_hosting_sends_a_route_to_the_function_that_has_it(route: tuple[str, str]) -> None:
    rewrites = read_site(ROOT / "web", ("predict", "api")).rewrites
    function = next(name for pattern, name in rewrites if pattern.fullmatch(route[1]))
    assert route in {"predict": predict, "api": api}[function].ROUTES
