"""The page: each section does what it says, in every state."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Request, expect

TRAINING_MS = 240_000
"""A quick retrain takes seconds, on a laptop that does other things a few minutes."""
UPLOAD_MS = 60_000

NOT_AN_IMAGE = FilePayload(name="photo.jpg", mimeType="image/jpeg", buffer=b"This is text.")


# Predict


@pytest.mark.harmless
@pytest.mark.parametrize("open_chooser", ["click", "keyboard"])
def test_a_chosen_image_gets_a_label_and_bars(
    page: Page, labels: list[str], new_images: list[FilePayload], open_chooser: str
) -> None:
    with page.expect_file_chooser() as chooser:
        if open_chooser == "click":
            page.locator("#predict-zone").click()
        else:
            page.locator("#predict-file").press("Enter")
    chooser.value.set_files(new_images[0])
    known = re.compile("|".join(map(re.escape, [*labels, "None of these"])))
    expect(page.locator("#predict-label")).to_have_text(known)
    expect(page.locator("#predict-bars li:visible")).to_have_count(min(5, len(labels)))


@pytest.mark.harmless
def test_show_all_shows_a_bar_for_every_label(
    page: Page, labels: list[str], new_images: list[FilePayload]
) -> None:
    page.locator("#predict-file").set_input_files(new_images[0])
    page.get_by_role("button", name=f"Show all {len(labels)}").click()
    expect(page.locator("#predict-bars li:visible")).to_have_count(len(labels))


@pytest.mark.parametrize(
    ("event", "holder"), [("drop", "dataTransfer"), ("paste", "clipboardData")]
)
def test_an_image_may_be_dropped_or_pasted(
    page: Page, new_images: list[FilePayload], event: str, holder: str
) -> None:
    transfer = page.evaluate_handle(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "noise.png", {type: "image/png"}));
            return transfer;
        }""",
        list(new_images[0]["buffer"]),
    )
    page.locator("#predict-zone").evaluate(
        """(zone, [event, holder, transfer]) => {
            const made = new Event(event, {bubbles: true, cancelable: true});
            zone.dispatchEvent(Object.defineProperty(made, holder, {value: transfer}));
        }""",
        [event, holder, transfer],
    )
    expect(page.locator("#predict-result")).to_be_visible()


@pytest.mark.harmless
@pytest.mark.parametrize("as_zip", [False, True])
def test_several_images_are_answered_in_a_table_to_download(
    page: Page, new_images: list[FilePayload], as_zip: bool
) -> None:
    files = [*new_images, NOT_AN_IMAGE]
    if as_zip:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for file in files:
                archive.writestr(file["name"], file["buffer"])
        zipped = FilePayload(name="all.zip", mimeType="application/zip", buffer=packed.getvalue())
        page.locator("#predict-file").set_input_files(zipped)
    else:
        page.locator("#predict-file").set_input_files(files)
    expect(page.locator("#batch-rows tr")).to_have_count(4)
    expect(page.locator("#predict-status")).to_contain_text("3 images by v")
    expect(page.locator("#predict-status")).to_contain_text("1 file could not be used")
    expect(page.locator("#batch-rows tr").last).to_contain_text("not an image of a known format")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text("utf-8").splitlines()))
    assert [row["name"] for row in rows] == [file["name"] for file in files]
    assert rows[0]["label"]
    assert rows[3]["error"]
    page.locator("#predict-file").set_input_files(new_images[0])
    expect(page.locator("#predict-result")).to_be_visible()
    expect(page.locator("#batch")).to_be_hidden()


@pytest.mark.harmless
def test_the_answer_names_its_version_and_its_time(
    page: Page, new_images: list[FilePayload]
) -> None:
    page.locator("#predict-file").set_input_files(new_images[0])
    timing = r"By v\d+ · decode .+ ms · inference .+ ms · total .+ · (warm|cold start)"
    expect(page.locator("#predict-timing")).to_have_text(re.compile(timing))


@pytest.mark.harmless
def test_a_text_file_named_jpg_shows_what_is_wrong_and_what_to_do(page: Page) -> None:
    page.locator("#predict-file").set_input_files(NOT_AN_IMAGE)
    alert = page.locator("#predict-problem")
    expect(alert.locator(".detail")).to_contain_text("not an image")
    expect(alert.locator(".remedy")).to_contain_text("Send a whole JPEG")


# Now


@pytest.mark.harmless
def test_now_shows_the_version_and_that_it_is_healthy(page: Page) -> None:
    expect(page.locator("#now-version")).to_have_text(re.compile(r"v\d+"))
    expect(page.locator("#now-health")).to_have_text("Healthy")


@pytest.mark.harmless
def test_now_counts_a_prediction_by_itself(page: Page, new_images: list[FilePayload]) -> None:
    count = page.locator("#now-predictions")
    expect(count).to_have_text(re.compile(r"\d"))
    before = count.inner_text()
    page.locator("#predict-file").set_input_files(new_images[0])
    expect(count).not_to_have_text(before)


def test_a_lost_server_is_shown_as_stale_until_it_is_back(page: Page) -> None:
    stale = page.locator("#now .stale")
    expect(page.locator("#now-health")).to_have_text("Healthy")
    page.route("**/api/**", lambda route: route.abort())
    page.evaluate("() => document.dispatchEvent(new Event('ocellus:changed'))")  # it asks at once
    expect(stale).to_contain_text("The server cannot be reached")
    expect(stale).to_contain_text(re.compile(r"Stale since \d\d:\d\d:\d\d"))
    page.unroute("**/api/**")
    expect(stale).to_have_text("")


def test_a_hidden_page_asks_nothing(page: Page) -> None:
    page.clock.install()
    page.reload()
    expect(page.locator("#now-health")).to_have_text("Healthy")
    page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", {value: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    assert asked == []


# The admin token


def test_the_token_leaves_the_address_and_survives_a_reload(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/$"))
    given = page.locator("#admin-token").input_value()
    page.reload()
    assert given
    expect(page.locator("#admin-token")).to_have_value(given)


def test_a_wrong_token_shows_what_to_do_and_leads_to_the_field(page: Page) -> None:
    token = page.locator("#admin-token")
    token.fill("wrong")
    page.locator("#retrain-start").click()
    alert = page.locator("#retrain-problem")
    expect(alert.locator(".detail")).to_contain_text("token")
    expect(alert.locator(".remedy")).not_to_be_empty()
    alert.get_by_role("link", name="Enter the admin token").click()
    expect(token).to_be_focused()


# Teach


def test_labelled_images_are_counted_once(
    page: Page, labels: list[str], new_images: list[FilePayload]
) -> None:
    page.locator("#teach-label").fill(labels[0])
    page.locator("#teach-files").set_input_files(new_images)
    page.locator("#teach-send").click()
    status = page.locator("#teach-status")
    expect(status).to_have_text(f"3 new (3 {labels[0]}), 0 duplicates, 0 rejected.")
    page.locator("#teach-files").set_input_files(new_images)
    page.locator("#teach-send").click()
    expect(status).to_have_text("0 new, 3 duplicates, 0 rejected.")


def test_a_rejected_file_is_named_with_its_reason(
    page: Page, labels: list[str], new_images: list[FilePayload]
) -> None:
    page.locator("#teach-label").fill(labels[0])
    page.locator("#teach-files").set_input_files([new_images[0], NOT_AN_IMAGE])
    page.locator("#teach-send").click()
    expect(page.locator("#teach-status")).to_contain_text("1 rejected")
    expect(page.locator("#teach-rejected")).to_have_text(re.compile("photo.jpg.*not an image"))


def test_a_zip_brings_its_own_labels(
    page: Page, labels: list[str], new_images: list[FilePayload]
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for label, image in zip(labels, new_images, strict=False):
            archive.writestr(f"{label}/{image['name']}", image["buffer"])
    archived = FilePayload(name="set.zip", mimeType="application/zip", buffer=file.getvalue())
    page.locator("#teach-files").set_input_files(archived)
    page.locator("#teach-send").click()
    n = min(len(labels), len(new_images))
    expect(page.locator("#teach-status")).to_contain_text(f"{n} new")


def test_a_zip_that_no_request_carries_is_sent_in_parts_and_goes_on_after_a_break(
    page: Page, labels: list[str], large_images: list[Path], tmp_path: Path
) -> None:
    archived = tmp_path / "set.zip"
    with zipfile.ZipFile(archived, "w") as archive:
        for image in large_images:
            archive.write(image, f"{labels[0]}/{image.name}")
    sent = re.compile("/uploads/|/upload/storage/")
    ranges: list[str] = []

    def note(request: Request) -> None:
        if sent.search(request.url):
            ranges.append(request.headers.get("content-range", ""))

    page.on("request", note)
    page.route(sent, lambda route: route.abort("connectionreset"), times=1)
    page.locator("#teach-files").set_input_files(archived)
    page.locator("#teach-send").click()
    status, n = page.locator("#teach-status"), len(large_images)
    expect(status).to_contain_text(f"{n} new ({n} {labels[0]})", timeout=UPLOAD_MS)
    size = archived.stat().st_size
    assert ranges[1] == f"bytes */{size}"
    assert len(ranges) == 2 + size // (8 * 2**20) + 1


def test_images_that_no_request_carries_are_sent_one_by_one(
    page: Page, labels: list[str], large_images: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_text("This is text.")
    page.locator("#teach-label").fill(labels[0])
    page.locator("#teach-files").set_input_files([*large_images, tmp_path / "photo.jpg"])
    page.locator("#teach-send").click()
    status, n = page.locator("#teach-status"), len(large_images)
    told = f"{n} new ({n} {labels[0]}), 0 duplicates, 1 rejected."
    expect(status).to_have_text(told, timeout=UPLOAD_MS)
    expect(page.locator("#teach-rejected")).to_have_text(re.compile("photo.jpg.*not an image"))


def test_images_without_a_label_are_not_sent(page: Page, new_images: list[FilePayload]) -> None:
    page.locator("#teach-files").set_input_files(new_images)
    page.locator("#teach-send").click()
    expect(page.locator("#teach-problem")).to_contain_text("The images have no label.")


def test_teach_says_how_many_samples_a_retrain_takes(page: Page) -> None:
    expect(page.locator("#teach-threshold")).to_contain_text(
        re.compile(r"\d+ .*new samples?.*by itself")
    )


# Retrain


@pytest.mark.timeout(600)
def test_a_retrain_shows_its_progress_and_ends_with_a_sentence(
    page: Page, new_samples: None
) -> None:
    page.locator("#retrain-mode").select_option("quick")
    page.locator("#retrain-start").click()
    status = page.locator("#retrain-status")
    expect(page.locator("#retrain-bar")).to_be_visible()
    expect(status).to_have_text(re.compile(r"Run r\d+ \(quick\) is "), timeout=TRAINING_MS)
    expect(page.locator("#retrain-start")).to_be_visible(timeout=TRAINING_MS)
    expect(status).to_have_attribute("data-status", re.compile("promoted|refused"))
    sentence = page.request.get(page.url + "api/retrain/status").json()["run"]["message"]
    assert sentence
    expect(status).to_have_text(sentence)


def test_a_cancelled_retrain_says_so(page: Page) -> None:
    page.locator("#retrain-start").click()
    # The whole section: were the request answered with a problem, this would print it.
    expect(page.locator("#retrain")).to_contain_text(re.compile(r"Run r\d+ \(auto\) "))
    page.locator("#retrain-cancel").click()
    expect(page.locator("#retrain-status")).to_have_text("Cancelled by admin.")
    expect(page.locator("#retrain-runs li").first).to_contain_text("cancelled")


# Versions


@pytest.mark.timeout(600)
def test_promoting_and_rolling_back_change_the_version_in_service(
    page: Page, other_version: str
) -> None:
    now = page.locator("#now-version")
    expect(now).to_have_text(re.compile(r"v\d+"))
    before = now.inner_text()
    page.get_by_role("button", name=f"Promote {other_version}", exact=True).click()
    expect(now).to_have_text(other_version)
    expect(page.locator(f"tr[data-version={other_version}]")).to_contain_text("In service")
    page.get_by_role("button", name=f"Roll back to {before}", exact=True).click()
    expect(now).to_have_text(before)
    expect(page.locator("#versions-history li").first).to_contain_text(f"put {before} in service")


# The whole


@pytest.mark.harmless
def test_a_visit_logs_no_error(page: Page) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    page.reload()
    expect(page.locator("#now-health")).to_have_text("Healthy")
    expect(page.locator("section[aria-busy]")).to_have_count(0)
    expect(page.locator("#versions-table")).to_be_visible()
    assert errors == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    expect(page.locator("#versions-table")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.harmless
def test_the_api_is_described(page: Page) -> None:
    page.get_by_role("link", name="HTTP API").click()
    expect(page.get_by_role("heading", name="POST /api/predict", exact=True)).to_be_visible()


@pytest.mark.harmless
def test_an_unknown_address_leads_back(page: Page) -> None:
    page.goto(page.url + "nothing-here")
    page.get_by_role("link", name="Ocellus").click()
    expect(page.locator("#now-health")).to_have_text("Healthy")


@pytest.mark.parametrize("server", ["embedded"], indirect=True)
def test_without_a_project_the_page_loads_no_sdk(page: Page) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.reload()
    expect(page.locator("section[aria-busy]")).to_have_count(0)
    assert any(url.endswith("/js/main.js") for url in loaded)
    assert not [url for url in loaded if "/vendor/" in url]
