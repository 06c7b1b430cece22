"""The page through Firestore: what functions do appears by itself, and nobody else can write."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from deployment import Deployment
from emulators.relay import Relay
from firestore_table import TABLE
from playwright.sync_api import Browser, FilePayload, Page, expect
from server import until

ROOT = Path(__file__).parents[2]
WITHIN_MS = 2000
FLUSH_S = 2.0
"""How often an instance writes its statistics, by default."""

LOST_MS = 60_000
"""The SDK itself tries for a quarter of a minute before it calls the connection lost."""

DOCUMENTS = {name: f"{name}/v1" for name in TABLE} | {
    "serving": "serving/pointer",
    "public": "public/statistics",
}
ATTEMPTS = """
async ([config, documents]) => {
    const sdk = await import("/vendor/sdk.js");
    const db = sdk.getFirestore(sdk.initializeApp(config, "anyone"));
    const [host, port] = config.firestoreEmulatorHost.split(":");
    sdk.connectFirestoreEmulator(db, host, Number(port));
    const attempts = {
        read: (path) => sdk.getDocFromServer(sdk.doc(db, path)),
        list: (path) => sdk.getDocsFromServer(sdk.collection(db, path.split("/")[0])),
        create: (path) => sdk.addDoc(sdk.collection(db, path.split("/")[0]), {version: "v9"}),
        set: (path) => sdk.setDoc(sdk.doc(db, path), {version: "v9"}),
        increment: (path) => sdk.setDoc(
            sdk.doc(db, path), {predictions: sdk.increment(1)}, {merge: true},
        ),
        remove: (path) => sdk.deleteDoc(sdk.doc(db, path)),
    };
    const outcomes = {};
    for (const [name, attempt] of Object.entries(attempts)) {
        outcomes[name] = {};
        for (const path of documents) {
            outcomes[name][path.split("/")[0]] = await attempt(path).then(
                () => "allowed", (error) => error.code,
            );
        }
    }
    return outcomes;
}
"""

pytestmark = pytest.mark.parametrize("server", ["gcp"], indirect=True)


def predict(server: Deployment, image: FilePayload) -> None:
    body = image["buffer"]
    httpx.post(f"{server.url}/api/predict", content=body, timeout=60).raise_for_status()


@pytest.fixture
def rested(server: Deployment, new_images: list[FilePayload]) -> int:
    """So many predictions are counted, and the next one will be at once."""
    predict(server, new_images[0])

    def statistics() -> Any:
        found = server.get("/api/statistics")
        at_rest = found["predictions"] and time.time() - found["updated_at"] > FLUSH_S
        return found if at_rest else None

    return int(until(statistics, 20, "the last flush to be a while ago")["predictions"])


def test_a_prediction_appears_within_two_seconds(
    server: Deployment, page: Page, rested: int, new_images: list[FilePayload]
) -> None:
    count = page.locator("#now-predictions")
    expect(count).to_have_text(f"{rested:,}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    began = time.monotonic()
    predict(server, new_images[1])
    expect(count).to_have_text(f"{rested + 1:,}", timeout=WITHIN_MS)
    print(f"a prediction appeared {time.monotonic() - began:.3f} s after it was sent")
    assert not [url for url in asked if "/api/" in url]


@pytest.mark.timeout(600)
def test_a_promotion_appears_within_two_seconds(
    server: Deployment, other_version: str, page: Page
) -> None:
    now, row = page.locator("#now-version"), page.locator(f"tr[data-version={other_version}]")
    before = server.get("/api/models")["pointer"]["version"]
    expect(now).to_have_text(before)
    server.post("/api/model/promote", json={"version": other_version})
    answered = time.monotonic()
    expect(now).to_have_text(other_version, timeout=WITHIN_MS)
    expect(row).to_contain_text("In service", timeout=WITHIN_MS)
    print(f"a promotion appeared {time.monotonic() - answered:.3f} s after its answer")
    server.post("/api/model/rollback", json={})
    expect(now).to_have_text(before, timeout=WITHIN_MS)


def test_the_rules_deny_the_web_sdk_every_write_and_what_is_private(
    server: Deployment, page: Page, tmp_path: Path
) -> None:
    bundle = tmp_path / "sdk.js"
    entry = Path(__file__).with_name("sdk.js")
    subprocess.run(
        ["npx", "esbuild", entry, "--bundle", "--format=esm", f"--outfile={bundle}"],
        cwd=ROOT, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    page.route("**/vendor/sdk.js", lambda route: route.fulfill(path=bundle))
    config = server.get("/__/firebase/init.json")
    outcomes = page.evaluate(ATTEMPTS, [config, [*DOCUMENTS.values()]])
    public = {name for name, row in TABLE.items() if row.public}
    allowed = {
        attempt: {name for name, outcome in found.items() if outcome == "allowed"}
        for attempt, found in outcomes.items()
    }
    assert allowed.pop("read") == public
    assert allowed.pop("list") == {"versions", "runs"}
    assert allowed == {"create": set(), "set": set(), "increment": set(), "remove": set()}
    refusals = {code for found in outcomes.values() for code in found.values()} - {"allowed"}
    assert refusals == {"permission-denied"}


@pytest.fixture
def relayed(browser: Browser, server: Deployment) -> Iterator[tuple[Page, Relay]]:
    """The page, connected to Firestore through a relay, which its policy knows nothing of. What the
    SDK logs of a loss is no fault.
    """
    config = server.get("/__/firebase/init.json")
    relay = Relay(config["firestoreEmulatorHost"])
    told = json.dumps(config | {"firestoreEmulatorHost": relay.address})
    context = browser.new_context(bypass_csp=True)
    context.route("https://www.google.com/**", lambda route: route.abort())
    context.route("**/__/firebase/init.json", lambda route: route.fulfill(body=told))
    page = context.new_page()
    page.goto(f"{server.url}/")
    expect(page.locator("section[aria-busy]")).to_have_count(0)
    yield page, relay
    context.close()
    relay.stop()


def test_a_lost_firestore_is_told_and_the_api_asked_until_it_is_back(
    server: Deployment, relayed: tuple[Page, Relay], rested: int, new_images: list[FilePayload]
) -> None:
    page, relay = relayed
    stale, count = page.locator("#now .stale"), page.locator("#now-predictions")
    expect(stale).to_have_text("")
    relay.cut()
    predict(server, new_images[1])
    expect(stale).to_contain_text("Live connection lost since", timeout=LOST_MS)
    expect(stale).to_contain_text("The server is asked instead.")
    expect(count).to_have_text(f"{rested + 1:,}")
    relay.restore()
    expect(stale).to_have_text("", timeout=LOST_MS)
    expect(page.locator(".stale:not(:empty)")).to_have_count(0)
    predict(server, new_images[2])
    expect(count).to_have_text(f"{rested + 2:,}")
