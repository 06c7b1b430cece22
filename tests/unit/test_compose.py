"""What compose.yaml promises of every container."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from composed import COMPOSE, ROOT, SERVICES, dockerfile

PAGES = sorted((ROOT / "docs" / "elsewhere").glob("*.md"))
DIGEST = r"@sha256:[0-9a-f]{64}$"


@pytest.mark.parametrize("service", SERVICES)
def test_no_container_may_more_than_it_needs(service: str) -> None:
    found = SERVICES[service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in found


@pytest.mark.parametrize("service", SERVICES)
def test_every_image_is_pinned_and_none_runs_as_root(service: str) -> None:
    if text := dockerfile(service):
        (base,) = re.findall(r"^ARG BASE=(.+)$", text, re.M)
        assert set(re.findall(r"^FROM (\S+)", text, re.M)) == {"${BASE}"}
        assert re.findall(r"^USER (.+)$", text, re.M) == ["10001:10001"]
    else:
        base = SERVICES[service]["image"]
        assert "nginx-unprivileged" in base
    assert re.search(DIGEST, base)


def test_replicas_and_trainer_share_the_one_volume() -> None:
    assert COMPOSE["volumes"] == {"data": None}
    users = {name for name, found in SERVICES.items() if "data:/data" in found["volumes"]}
    assert users == {"functions", "trainer"}


def test_the_images_have_the_same_base() -> None:
    bases = {
        re.search(r"^ARG BASE=(.+)$", dockerfile(s), re.M)[1] for s in ("functions", "trainer")
    }
    assert len(bases) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_name_only_what_is_there(page: Path) -> None:
    text, readme = page.read_text(), (ROOT / "README.md").read_text()
    settings = set(re.findall(r"OCELLUS_[A-Z_]*[A-Z]", text))
    assert settings <= set(re.findall(r"`(OCELLUS_[A-Z_]*[A-Z])`", readme))
    assert f"docs/elsewhere/{page.name}" in readme
    files = re.findall(r"(?:--file|-f|dockerfilePath:) (\S+)", text)
    files += re.findall(r"`((?:functions|training_job|tests|infra)/[\w/.-]+)`", text)
    assert all((ROOT / file).is_file() for file in files if file != "ocellus-aci.yaml")
    links = re.findall(r"\]\((?!https:)([^)]+)\)", text)
    assert all((page.parent / link).is_file() for link in links)


def test_what_is_written_is_a_volume_of_each_image() -> None:
    for service in ("functions", "trainer"):
        assert 'VOLUME ["/data", "/tmp"]' in dockerfile(service)
