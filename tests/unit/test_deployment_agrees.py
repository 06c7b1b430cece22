"""cloudbuild.yaml, firebase.json, Terraform, `main.py`, the settings and make's targets agree."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from destroy import GUARDED
from needs import SERVICES

from ocellus.errors import InvalidSetting
from ocellus.settings import Settings

ROOT = Path(__file__).parents[2]
REWRITES = json.loads((ROOT / "web/firebase.json").read_text())["hosting"]["rewrites"]
MAKE = "".join((ROOT / name).read_text() for name in ("Makefile", "infra/deploy/deploy.mk"))
BUILD = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
TERRAFORM = {path: path.read_text() for path in (ROOT / "infra").rglob("*.tf")}
BACKEND = sorted(set(re.findall(r"OCELLUS_\w+", (ROOT / "infra/names.tf").read_text())))
TARGETS = set(re.findall(r"^([a-z-]+):", MAKE, re.M))


def functions() -> dict[str, dict[str, Any]]:
    """Terraform's functions by their names."""
    found = {}
    for source in TERRAFORM.values():
        for block in hcl2.loads(source).get("resource", []):
            for kind, named in block.items():
                if kind.strip('"') == "google_cloudfunctions2_function":
                    (body,) = named.values()
                    found[body["name"].strip('"')] = body
    return found


FUNCTIONS = functions()


def said(name: str, part: str, key: str) -> str:
    return str(FUNCTIONS[name][part][0][key]).strip('"')


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite["source"])
def test_every_route_has_a_function_that_visitors_reach(rewrite: dict[str, Any]) -> None:
    assert said(rewrite["run"]["serviceId"], "service_config", "ingress_settings") == "ALLOW_ALL"


def test_every_route_goes_to_the_region_of_the_functions() -> None:
    default = hcl2.loads(TERRAFORM[ROOT / "infra/variables.tf"])["variable"]
    (region,) = [block['"region"']["default"] for block in default if '"region"' in block]
    assert {rewrite["run"]["region"] for rewrite in REWRITES} == {region.strip('"')}


def test_every_entry_point_is_a_function_and_no_other() -> None:
    tree = ast.parse((ROOT / "functions/main.py").read_text())
    decorated = [n for n in tree.body if isinstance(n, ast.AsyncFunctionDef) and n.decorator_list]
    points = {said(name, "build_config", "entry_point") for name in FUNCTIONS}
    assert points == {node.name for node in decorated}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_account_of_its_own(name: str) -> None:
    account = said(name, "service_config", "service_account_email")
    assert account == f'${{local.accounts["{name}"]}}'
    assert re.search(rf"^\s+{name} +=", TERRAFORM[ROOT / "infra/foundation/accounts.tf"], re.M)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_what_the_google_cloud_back_end_needs(name: str) -> None:
    assert "local.environment" in said(name, "service_config", "environment_variables")
    environ = {variable: variable.lower() for variable in BACKEND} | {"OCELLUS_BACKEND": "gcp"}
    numbers = {"OCELLUS_RETRAIN_THRESHOLD": "50", "OCELLUS_START_LEASE_S": "90"}
    assert Settings.from_env(environ | numbers).gcp is not None
    with pytest.raises(InvalidSetting) as missing:
        Settings.from_env({"OCELLUS_BACKEND": "gcp"})
    assert set(re.findall(r"OCELLUS_\w+", str(missing.value))) <= set(BACKEND)


def test_the_api_alone_has_the_admin_token() -> None:
    have = {name for name in FUNCTIONS if "OCELLUS_ADMIN_TOKEN" in str(FUNCTIONS[name])}
    assert have == {"api"}


def test_every_variable_that_terraform_sets_is_a_setting() -> None:
    settings = (ROOT / "functions/ocellus/settings.py").read_text()
    known = set(re.findall(r"OCELLUS_[A-Z_]+", settings))
    assigned = r'^\s*(?:\{ *)?(OCELLUS_\w+) *=|key *= "(OCELLUS_\w+)"'
    found = [m for text in TERRAFORM.values() for m in re.findall(assigned, text, re.M)]
    names = {name for pair in found for name in pair if name}
    assert {"OCELLUS_BUCKET", "OCELLUS_DATA_DIR", "OCELLUS_ADMIN_TOKEN"} <= names <= known


@pytest.mark.parametrize("step", BUILD["steps"], ids=lambda step: step["id"])
def test_a_step_of_the_build_is_the_make_target_of_its_name(step: dict[str, Any]) -> None:
    script, target, *variables = step["args"]
    assert (step["entrypoint"], script, target) == ("sh", "infra/deploy/step.sh", step["id"])
    assert target in TARGETS
    assert {v.partition("=")[0] for v in variables} <= {"PROJECT", "REVISION"}
    assert re.search(r"@sha256:[0-9a-f]{64}$", step["name"])


def test_every_target_that_the_documents_name_exists() -> None:
    named = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *(ROOT / "infra/deploy").glob("*.*")]
    text = "".join(path.read_text() for path in named)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= TARGETS
    assert set(re.findall(r"\$\(MAKE\) ([a-z]+)", text)) <= TARGETS


def test_every_substitution_is_defined_and_every_one_defined_is_used() -> None:
    used = set(re.findall(r"\$\{?(_\w+)", json.dumps(BUILD["steps"])))
    assert used == set(BUILD["substitutions"])
    builtin = set(re.findall(r"\$\{?([A-Z]\w+)", json.dumps(BUILD["steps"])))
    assert builtin == {"PROJECT_ID"}


def test_the_variables_that_make_gives_terraform_are_its_own() -> None:
    declared = {
        name.strip('"')
        for path, text in TERRAFORM.items()
        if path.parent.name == "infra"
        for block in hcl2.loads(text).get("variable", [])
        for name in block
    }
    deploying = "".join(path.read_text() for path in (ROOT / "infra/deploy").glob("*.*"))
    given = set(re.findall(r"-var=(\w+)=", deploying))
    assert {"project", "region", "functions_archive", "trainer_image"} <= given <= declared


def test_the_doctor_looks_for_the_services_that_terraform_enables() -> None:
    enabled = re.findall(
        r'"(\w+)\.googleapis\.com"', TERRAFORM[ROOT / "infra/foundation/services.tf"]
    )
    assert set(enabled) == set(SERVICES)


def test_the_links_name_outputs_that_there_are() -> None:
    links = (ROOT / "infra/deploy/deploy.py").read_text()
    outputs = re.findall(r'^output "(\w+)"', TERRAFORM[ROOT / "infra/outputs.tf"], re.M)
    assert set(re.findall(r'outputs\["(\w+)"\]', links)) <= set(outputs)


def test_what_terraform_guards_is_let_go_before_it_is_destroyed() -> None:
    resources = re.findall(
        r'^resource "(\w+)" "(\w+)" \{\n(.*?)^\}', "".join(TERRAFORM.values()), re.M | re.S
    )
    guarded = {f"{kind}.{name}" for kind, name, body in resources if "var.destroy_data" in body}
    assert guarded == set(GUARDED)
