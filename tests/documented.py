"""Checks answers against `functions/openapi.json`, with no member left undocumented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "functions" / "openapi.json").read_bytes()
)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def resolve(node: Any) -> Any:
    """Follow a reference, if the node is one."""
    while "$ref" in node:
        start, *parts = node["$ref"].split("/")
        assert start == "#"
        node = DOCUMENT
        for part in parts:
            node = node[part]
    return node


async def assert_documented(response: httpx.Response) -> None:
    """An answer to a documented operation has a documented status, type and content."""
    request = response.request
    operation = DOCUMENT["paths"].get(request.url.path, {}).get(request.method.lower())
    if operation is None or response.status_code == 500:
        return
    await response.aread()
    content = resolve(operation["responses"][str(response.status_code)])["content"]
    schema = content[response.headers["content-type"].partition(";")[0]]["schema"]
    if response.headers["content-type"].startswith("text/csv"):
        return
    if response.headers["content-type"] == "application/x-ndjson":
        values = [json.loads(line) for line in response.text.splitlines()]
    else:
        values = [response.json()]
    faults = [fault for value in values for fault in _faults(schema, value, "$")]
    assert not faults, f"{request.method} {request.url.path}: {'; '.join(faults)}"


def _faults(schema: Any, value: Any, at: str) -> list[str]:
    schema = resolve(schema)
    if "oneOf" in schema:
        choices = [_faults(choice, value, at) for choice in schema["oneOf"]]
        return min(choices, key=len)
    if "allOf" in schema:
        parts = [resolve(part) for part in schema["allOf"]]
        schema = {
            "type": "object",
            "properties": {k: v for part in parts for k, v in part["properties"].items()},
            "required": [name for part in parts for name in part["required"]],
        }
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at} is {value!r}"]
    kinds = schema.get("type", list(_TYPES))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(isinstance(value, _TYPES[kind]) for kind in kinds):
        return [f"{at} is {value!r}, not {' or '.join(kinds)}"]
    if isinstance(value, list) and "items" in schema:
        return [f for i, v in enumerate(value) for f in _faults(schema["items"], v, f"{at}[{i}]")]
    return _object_faults(schema, value, at) if isinstance(value, dict) else []


def _object_faults(schema: Any, value: dict[str, Any], at: str) -> list[str]:
    known = schema.get("properties", {})
    faults = [f"{at}.{name} is missing" for name in schema.get("required", []) if name not in value]
    for name, member in value.items():
        if name in known:
            faults += _faults(known[name], member, f"{at}.{name}")
        elif "additionalProperties" in schema:
            faults += _faults(schema["additionalProperties"], member, f"{at}.{name}")
        elif known:
            faults.append(f"{at}.{name} is not documented")
    return faults
