"""What must hold of the infrastructure, read from Terraform's files themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import pytest

INFRA = Path(__file__).parents[2] / "infra"
README = (INFRA / "README.md").read_text(encoding="utf-8")
FILES = sorted(INFRA.rglob("*.tf"))
FOUNDATION = [file for file in FILES if file.parent.name == "foundation"]
REST = [file for file in FILES if file not in FOUNDATION]


def text(value: Any) -> str:
    """A string without the quotes that the parser keeps."""
    return str(value).strip('"')


@cache
def parsed(file: Path) -> dict[str, Any]:
    return hcl2.loads(file.read_text(encoding="utf-8"))


def blocks(kind: str, files: list[Path] = FILES) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Each block's labels and content."""
    for file in files:
        for block in parsed(file).get(kind, []):
            labels: list[str] = []
            content: Any = block
            while "__is_block__" not in content:
                ((label, content),) = content.items()
                labels.append(text(label))
            yield labels, content


def resources(kind: str, files: list[Path] = FILES) -> dict[str, dict[str, Any]]:
    return {name: body for (of, name), body in blocks("resource", files) if of == kind}


VARIABLES = {
    f"{file.parent.name}/{name}": content
    for file in FILES
    for (name,), content in blocks("variable", [file])
}
SOURCE = {file: file.read_text(encoding="utf-8") for file in FILES}


def test_each_file_is_one_concern() -> None:
    assert [f for f, source in SOURCE.items() if source.count("\n") >= 100] == []


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_has_a_type_a_description_and_a_check(variable: str) -> None:
    content = VARIABLES[variable]
    assert text(content["type"]), variable
    assert text(content["description"]).endswith((".", ")."))
    assert text(content["validation"][0]["error_message"]).startswith(("Give", "Name"))


@pytest.mark.parametrize("variable", VARIABLES)
def test_the_readme_has_each_variable_with_its_default(variable: str) -> None:
    name, content = variable.partition("/")[2], VARIABLES[variable]
    (row,) = re.findall(rf"^\| `{name}` \| (.*?) \|", README, re.M)
    default = content.get("default")
    if "default" not in content:
        assert row == ""
    elif default in (None, "null"):
        assert row == "none"
    else:
        shown = str(default).lower() if isinstance(default, bool) else text(default)
        assert row.strip("`") == shown


def test_no_variable_is_without_use() -> None:
    for files in (FOUNDATION, REST):
        source = "".join(SOURCE[file] for file in files if not file.name.startswith("variables"))
        declared = {name for (name,), _ in blocks("variable", files)}
        assert declared == set(re.findall(r"\bvar\.(\w+)", source))


def test_defaults_cost_nothing_while_idle() -> None:
    assert VARIABLES["infra/predict_min_instances"]["default"] == 0
    assert VARIABLES["infra/trainer_gpu"]["default"] in (None, "null")
    functions = resources("google_cloudfunctions2_function")
    least = {name: f["service_config"][0]["min_instance_count"] for name, f in functions.items()}
    assert least.pop("predict") == "${var.predict_min_instances}"
    assert least == {"api": 0, "on_upload": 0, "on_tick": 0}


def test_nobody_gets_a_primitive_role() -> None:
    for source in SOURCE.values():
        assert not re.findall(r'"roles/(owner|editor|viewer)"', source)


def test_roles_on_the_project_are_the_foundations_and_those_listed() -> None:
    assert not [labels for labels, _ in blocks("resource", REST) if "project_iam" in labels[0]]
    grants = {name: text(b["role"]) for name, b in resources("google_project_iam_member").items()}
    assert grants == {
        "firestore": "roles/datastore.user",
        "events": "roles/eventarc.eventReceiver",
        "storage_agent": "roles/pubsub.publisher",
        "builder": "${each.key}",
    }


def test_the_readme_says_why_the_builder_has_each_of_its_roles() -> None:
    source = SOURCE[INFRA / "foundation" / "builder.tf"]
    listed = re.findall(r'^ {4}"(roles/[\w.]+)"', source, re.M)
    assert listed == sorted(listed)
    told = re.findall(r"^\| `(roles/[\w.]+)` \| \w", README, re.M)
    assert sorted(told) == listed


def test_the_builder_can_hand_out_no_roles_on_the_project_and_make_no_accounts() -> None:
    source = SOURCE[INFRA / "foundation" / "builder.tf"]
    assert not re.findall(r"roles/(resourcemanager|iam\.(?!serviceAccountUser)|billing)", source)


def test_each_function_runs_as_an_account_of_its_own() -> None:
    accounts = {
        name: re.findall(r'accounts\["([\w-]+)"\]', f["service_config"][0]["service_account_email"])
        for name, f in resources("google_cloudfunctions2_function").items()
    }
    assert accounts == {name: [name.replace("_", "-")] for name in accounts}
    assert len(accounts) == 4


def test_every_bucket_is_private_and_cleans_up_after_aborted_uploads() -> None:
    buckets = resources("google_storage_bucket")
    assert sorted(buckets) == ["artifacts", "checkpoints", "inbox", "source"]
    for bucket in buckets.values():
        assert text(bucket["public_access_prevention"]) == "enforced"
        assert bucket["uniform_bucket_level_access"] is True
        actions = [text(rule["action"][0]["type"]) for rule in bucket["lifecycle_rule"]]
        assert "AbortIncompleteMultipartUpload" in actions


def test_providers_have_a_floor_and_a_ceiling() -> None:
    for file in (INFRA / "versions.tf", INFRA / "foundation" / "versions.tf"):
        constraints = re.findall(r'^\s*(?:version|required_version)\s+= "(.*)"', SOURCE[file], re.M)
        assert len(constraints) == 3
        assert all(re.fullmatch(r">= [\d.]+, < [\d.]+", each) for each in constraints)


def test_every_waiver_says_why() -> None:
    for source in SOURCE.values():
        for waiver in re.findall(r"#\s*checkov:skip=(.*)", source):
            assert re.fullmatch(r"CKV2?_GCP_\d+:.{20,}", waiver), waiver


def test_a_swap_that_fails_is_logged_as_the_metric_looks_for_it() -> None:
    sought = re.findall(r'textPayload:"(.*)"', SOURCE[INFRA / "monitoring.tf"])
    serving = INFRA.parent / "functions" / "ocellus" / "serving.py"
    assert sought == ["stays on "]
    assert f'log.warning("{sought[0]}%s' in serving.read_text(encoding="utf-8")


def test_the_dashboard_shows_what_there_is() -> None:
    dashboard = json.dumps(json.loads((INFRA / "dashboard.json").read_bytes()))
    for name in ("ocellus-trainer", "ocellus_stuck_swap", "ocellus-dead-letters"):
        assert name in dashboard
        assert any(f'"{name}"' in source for source in SOURCE.values())
