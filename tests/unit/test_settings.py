"""Settings: every variable, and what each says when it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocellus.errors import InvalidSetting
from ocellus.settings import Settings
from ocellus.thresholds import Thresholds

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "functions" / "ocellus"

VALUES: dict[str, tuple[str, str, object]] = {
    "OCELLUS_BACKEND": ("embedded", "backend", "embedded"),
    "OCELLUS_DATA_DIR": ("/srv/ocellus", "data_dir", Path("/srv/ocellus")),
    "OCELLUS_TRAINER": ("waiting", "trainer", "waiting"),
    "OCELLUS_SEED_DIR": ("/srv/seed", "seed_dir", Path("/srv/seed")),
    "OCELLUS_RETRAIN_THRESHOLD": ("7", "retrain_threshold", 7),
    "OCELLUS_REFRESH_S": ("0.5", "refresh_s", 0.5),
    "OCELLUS_FLUSH_S": ("9", "flush_s", 9.0),
    "OCELLUS_TICK_S": ("1.5", "tick_s", 1.5),
    "OCELLUS_LEASE_S": ("60", "lease_s", 60.0),
    "OCELLUS_START_LEASE_S": ("45", "start_lease_s", 45.0),
    "OCELLUS_ADMIN_TOKEN": ("secret", "admin_token", "secret"),
    "OCELLUS_MAX_REQUESTS": ("8", "max_requests", 8),
    "OCELLUS_MAX_BODIES_MB": ("64", "max_bodies_mb", 64),
    "OCELLUS_CLIENT_RATE": ("0.5", "client_rate", 0.5),
    "OCELLUS_PROXIES": ("2", "proxies", 2),
    "OCELLUS_UPLOAD_S": ("5", "upload_s", 5.0),
    "OCELLUS_GATE_ALPHA_ACCURACY": ("0.1", "gate", Thresholds(alpha_accuracy=0.1)),
    "OCELLUS_GATE_ALPHA_RECALL": ("0.1", "gate", Thresholds(alpha_recall=0.1)),
    "OCELLUS_GATE_TOLERATED_FALL": ("0", "gate", Thresholds(tolerated_fall=0)),
    "OCELLUS_GATE_MIN_AGREEMENT": ("0.9", "gate", Thresholds(min_agreement=0.9)),
    "OCELLUS_GATE_CALIBRATION_RISE": ("0.1", "gate", Thresholds(calibration_rise=0.1)),
    "OCELLUS_GATE_LATENCY_RATIO": ("2.5", "gate", Thresholds(latency_ratio=2.5)),
    "OCELLUS_GATE_SIZE_RATIO": ("2.5", "gate", Thresholds(size_ratio=2.5)),
}

CLOUD: dict[str, tuple[str, str]] = {
    "OCELLUS_BUCKET": ("p-models", "bucket"),
    "OCELLUS_INBOX_BUCKET": ("p-inbox", "inbox_bucket"),
    "OCELLUS_REGION": ("europe-west1", "region"),
    "OCELLUS_JOB": ("trainer", "job"),
    "OCELLUS_PROJECT": ("p", "project"),
    "OCELLUS_DATABASE": ("ocellus", "database"),
    "OCELLUS_RUN_API": ("http://127.0.0.1:9/v2", "run_api"),
}
"""Variables of the `gcp` back end."""
DEPLOYED = {"OCELLUS_BACKEND": "gcp"} | {name: text for name, (text, _) in CLOUD.items()}


def variables(path: Path) -> set[str]:
    return set(re.findall(r"OCELLUS_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8")))


def test_this_table_has_every_variable() -> None:
    found = variables(SOURCES / "settings.py") | variables(SOURCES / "thresholds.py")
    assert set(VALUES) | set(CLOUD) == found - {"OCELLUS_GATE"}


@pytest.mark.parametrize("name", VALUES)
def test_a_variable_sets_its_field(name: str) -> None:
    text, field, value = VALUES[name]
    assert getattr(Settings.from_env({name: text}), field) == value


@pytest.mark.parametrize("name", CLOUD)
def test_a_variable_sets_its_field_on_google_cloud(name: str) -> None:
    text, field = CLOUD[name]
    assert getattr(Settings.from_env(DEPLOYED).gcp, field) == text


def test_the_project_is_what_google_cloud_says_unless_set() -> None:
    found = Settings.from_env(DEPLOYED | {"GOOGLE_CLOUD_PROJECT": "other"}).gcp
    assert found is not None
    assert found.project == "p"
    found = Settings.from_env(
        DEPLOYED | {"OCELLUS_PROJECT": "", "GOOGLE_CLOUD_PROJECT": "other"}
    ).gcp
    assert found is not None
    assert found.project == "other"


@pytest.mark.parametrize("name", ["OCELLUS_BUCKET", "OCELLUS_INBOX_BUCKET", "OCELLUS_REGION"])
def test_google_cloud_needs_to_be_told_where(name: str) -> None:
    with pytest.raises(InvalidSetting, match=name):
        Settings.from_env(DEPLOYED | {name: ""})


def test_the_two_buckets_are_not_one() -> None:
    with pytest.raises(InvalidSetting, match="OCELLUS_INBOX_BUCKET are both 'p-models'"):
        Settings.from_env(DEPLOYED | {"OCELLUS_INBOX_BUCKET": "p-models"})


def test_the_embedded_back_end_has_no_cloud() -> None:
    assert Settings.from_env(DEPLOYED | {"OCELLUS_BACKEND": "embedded"}).gcp is None


def test_without_variables_the_defaults_hold() -> None:
    assert Settings.from_env({}) == Settings(data_dir=Path(".ocellus").absolute())


@pytest.mark.parametrize("name", VALUES)
def test_an_empty_variable_is_as_good_as_none(name: str) -> None:
    assert Settings.from_env({name: ""}) == Settings.from_env({})


def test_the_data_folder_does_not_move_with_the_working_directory() -> None:
    assert Settings.from_env({"OCELLUS_DATA_DIR": "here"}).data_dir == Path("here").absolute()


def test_the_environment_is_the_processs_own_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCELLUS_RETRAIN_THRESHOLD", "11")
    assert Settings.from_env().retrain_threshold == 11


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OCELLUS_BACKEND", "gpc"),
        ("OCELLUS_TRAINER", "sibling"),
        ("OCELLUS_RETRAIN_THRESHOLD", "many"),
        ("OCELLUS_RETRAIN_THRESHOLD", "1.5"),
        ("OCELLUS_RETRAIN_THRESHOLD", "0"),
        ("OCELLUS_REFRESH_S", "-1"),
        ("OCELLUS_FLUSH_S", "soon"),
        ("OCELLUS_TICK_S", "0"),
        ("OCELLUS_LEASE_S", "nan"),
        ("OCELLUS_START_LEASE_S", "0.5"),
    ],
)
def test_a_malformed_variable_names_itself_and_what_it_takes(name: str, text: str) -> None:
    with pytest.raises(InvalidSetting, match=name) as caught:
        Settings.from_env({name: text})
    assert text in caught.value.detail
    assert caught.value.remedy


def test_the_readme_tells_every_variable() -> None:
    used = set().union(*(variables(path) for path in SOURCES.rglob("*.py")))
    assert used <= variables(ROOT / "README.md")
