"""Settings: read from the environment once, at start, loudly."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from ocellus.errors import InvalidSetting
from ocellus.thresholds import Thresholds

T = TypeVar("T", int, float)


@dataclass(frozen=True)
class CloudSettings:
    """Where the deployment's things are on Google Cloud."""

    bucket: str
    """OCELLUS_BUCKET: keeps models, samples and data sets."""
    inbox_bucket: str
    """OCELLUS_INBOX_BUCKET: takes dropped images; another one, so that writing never triggers
    itself.
    """
    region: str
    """OCELLUS_REGION: where the training job is."""
    job: str = "ocellus-trainer"
    """OCELLUS_JOB: the training job's name."""
    project: str | None = None
    """OCELLUS_PROJECT, else GOOGLE_CLOUD_PROJECT; by default the credentials' project."""
    database: str | None = None
    """OCELLUS_DATABASE: the Firestore database; by default the default one."""
    run_api: str | None = None
    """OCELLUS_RUN_API: the root of a stand-in for Cloud Run's API, used without credentials."""


@dataclass(frozen=True)
class Settings:
    """Everything that may differ between two deployments. One variable a field, `OCELLUS_` in
    front; a data class field without a variable is a constant and is not here.
    """

    backend: str = "embedded"
    """OCELLUS_BACKEND: `embedded` (SQLite and folders) or `gcp` (Google Cloud)."""
    data_dir: Path = Path(".ocellus")
    """OCELLUS_DATA_DIR: where the embedded back end keeps everything, and any trainer its
    checkpoints.
    """
    trainer: str = "child"
    """OCELLUS_TRAINER: who trains on the embedded back end: `child`, a process of this machine,
    started for each run, or `waiting`, whoever runs `python -m training_job --wait`.
    """
    gcp: CloudSettings | None = None
    """What the `gcp` back end needs; None for any other."""
    seed_dir: Path | None = None
    """OCELLUS_SEED_DIR: the folder of the seed model; by default `models/v1` beside `main.py`, as
    `make archive` packages it, or of the checkout.
    """
    retrain_threshold: int = 50
    """OCELLUS_RETRAIN_THRESHOLD: how many new samples start a run."""
    refresh_s: float = 2.0
    """OCELLUS_REFRESH_S: how often an instance looks whether the pointer moved."""
    flush_s: float = 3.0
    """OCELLUS_FLUSH_S: how often at most an instance writes its statistics: twice, once to add and
    once to publish. At 100 predictions/s that is 2 / (3 s * 100/s) = 0.007 writes a prediction.
    """
    tick_s: float = 5.0
    """OCELLUS_TICK_S: how often the local platform calls on_tick."""
    lease_s: float = 30.0
    """OCELLUS_LEASE_S: how long a silent trainer keeps its run."""
    start_lease_s: float = 90.0
    """OCELLUS_START_LEASE_S: how long a started trainer may take to claim its run."""
    admin_token: str | None = None
    """OCELLUS_ADMIN_TOKEN: the bearer token for changes; embedded: made at first start."""
    max_requests: int = 256
    """OCELLUS_MAX_REQUESTS: how many requests to predict an instance works on or lets wait; more
    are refused (429).
    """
    max_bodies_mb: int = 128
    """OCELLUS_MAX_BODIES_MB: how large their bodies may be together, so that few large ones take no
    more memory than many small ones.
    """
    client_rate: float = 0.0
    """OCELLUS_CLIENT_RATE: requests/s to predict from one address; 0 sets no limit. Each instance
    counts what reaches it: with N instances a client gets up to N times as much.
    """
    proxies: int = 0
    """OCELLUS_PROXIES: how many proxies of the deployment append to X-Forwarded-For; 0 believes no
    such header and takes the peer for the client.
    """
    upload_s: float = 60.0
    """OCELLUS_UPLOAD_S: within which time the body of a request must be whole (408)."""
    gate: Thresholds = Thresholds()
    """OCELLUS_GATE_ and the name of a threshold."""

    @property
    def inbox_bucket(self) -> str:
        """The inbox's name in events."""
        return self.gcp.inbox_bucket if self.gcp else "inbox"

    @staticmethod
    def from_env(environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment. Raises: InvalidSetting, naming the variable."""
        env = os.environ if environ is None else environ
        default = Settings()
        backend = _choice(env, "OCELLUS_BACKEND", ("embedded", "gcp"))
        return Settings(
            backend=backend,
            data_dir=Path(env.get("OCELLUS_DATA_DIR") or default.data_dir).absolute(),
            trainer=_choice(env, "OCELLUS_TRAINER", ("child", "waiting")),
            gcp=_cloud(env) if backend == "gcp" else None,
            seed_dir=Path(env["OCELLUS_SEED_DIR"]) if env.get("OCELLUS_SEED_DIR") else None,
            retrain_threshold=_number(env, "OCELLUS_RETRAIN_THRESHOLD", int, 50, 1),
            refresh_s=_number(env, "OCELLUS_REFRESH_S", float, default.refresh_s, 0.05),
            flush_s=_number(env, "OCELLUS_FLUSH_S", float, default.flush_s, 0.05),
            tick_s=_number(env, "OCELLUS_TICK_S", float, default.tick_s, 0.1),
            lease_s=_number(env, "OCELLUS_LEASE_S", float, default.lease_s, 1.0),
            start_lease_s=_number(env, "OCELLUS_START_LEASE_S", float, default.start_lease_s, 1.0),
            admin_token=env.get("OCELLUS_ADMIN_TOKEN") or None,
            max_requests=_number(env, "OCELLUS_MAX_REQUESTS", int, default.max_requests, 1),
            max_bodies_mb=_number(env, "OCELLUS_MAX_BODIES_MB", int, default.max_bodies_mb, 1),
            client_rate=_number(env, "OCELLUS_CLIENT_RATE", float, default.client_rate, 0.0),
            proxies=_number(env, "OCELLUS_PROXIES", int, default.proxies, 0),
            upload_s=_number(env, "OCELLUS_UPLOAD_S", float, default.upload_s, 0.1),
            gate=_thresholds(env),
        )


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, str]) -> str:
    """Return the variable, by default the first choice."""
    value = env.get(name) or choices[0]
    if value not in choices:
        raise InvalidSetting(
            f"{name} is {value!r}.",
            f"Set it to {choices[0]!r} or {choices[1]!r}, or leave it out.",
        )
    return value


def _cloud(env: Mapping[str, str]) -> CloudSettings:
    needed = {"bucket": "OCELLUS_BUCKET", "inbox_bucket": "OCELLUS_INBOX_BUCKET"}
    needed["region"] = "OCELLUS_REGION"
    if missing := [name for name in needed.values() if not env.get(name)]:
        raise InvalidSetting(
            f"OCELLUS_BACKEND is 'gcp', and {', '.join(missing)} not set.",
            "Set it, or leave OCELLUS_BACKEND out to keep everything on this machine.",
        )
    cloud = CloudSettings(
        **{field: env[name] for field, name in needed.items()},
        job=env.get("OCELLUS_JOB") or CloudSettings.job,
        project=env.get("OCELLUS_PROJECT") or env.get("GOOGLE_CLOUD_PROJECT") or None,
        database=env.get("OCELLUS_DATABASE") or None,
        run_api=env.get("OCELLUS_RUN_API") or None,
    )
    if cloud.bucket == cloud.inbox_bucket:
        raise InvalidSetting(
            f"OCELLUS_BUCKET and OCELLUS_INBOX_BUCKET are both {cloud.bucket!r}.",
            "Name two: what is written to the one would trigger itself in the other.",
        )
    return cloud


def _thresholds(env: Mapping[str, str]) -> Thresholds:
    defaults: dict[str, float] = asdict(Thresholds())
    return Thresholds(
        **{
            name: _number(env, f"OCELLUS_GATE_{name.upper()}", float, default, 0.0)
            for name, default in defaults.items()
        }
    )


def _number(env: Mapping[str, str], name: str, kind: Callable[[str], T], default: T, least: T) -> T:
    text = env.get(name)
    if not text:
        return default
    try:
        value = kind(text)
    except ValueError as e:
        raise InvalidSetting(f"{name} is {text!r}.", f"Set it to a number, say {default}.") from e
    if not value >= least:
        raise InvalidSetting(f"{name} is {text}.", f"Set it to {least} or more.")
    return value
