from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cost
import pytest

ROOT = Path(__file__).parents[2]


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "loadtest" / name).read_text())
    return content


INPUTS, PRICES = read("capacity-inputs.json"), read("prices.json")


def test_the_page_shows_what_the_script_prints() -> None:
    page = (ROOT / "docs" / "money.md").read_text()
    assert cost.tables(INPUTS, PRICES, cost.VOLUMES) in page
    assert cost.flood_table(INPUTS, PRICES) in page


def test_lone_requests_are_billed_as_100_ms_each() -> None:
    alone = cost.used(10_000, INPUTS, cost.Deployment(idle_s=1e9))["predicting"]
    assert alone["vcpu_second"] == pytest.approx(10_000 * 0.1, rel=0.01)


def test_requests_that_overlap_share_the_billed_time() -> None:
    many = cost.used(1_000_000_000, INPUTS, cost.Deployment())["predicting"]
    assert many["vcpu_second"] < 1_000_000_000 * 0.1 / 5


def test_a_request_after_a_long_pause_pays_for_the_cold_start() -> None:
    warm = cost.used(1_000, INPUTS, cost.Deployment(idle_s=1e9))["predicting"]
    cold = cost.used(1_000, INPUTS, cost.Deployment(idle_s=0, cold_start_s=2))["predicting"]
    assert cold["vcpu_second"] - warm["vcpu_second"] == pytest.approx(1_000 * 2)


def test_what_is_free_is_taken_off_but_never_more() -> None:
    prices = {"usd": {"request": 2.0, "log_gib": 3.0}, "free_a_month": {"request": 10}}
    assert cost.usd({"request": 15, "log_gib": 1}, prices, free=True) == 13
    assert cost.usd({"request": 5, "log_gib": 1}, prices, free=True) == 3
    assert cost.usd({"request": 5, "log_gib": 1}, prices, free=False) == 13


def test_every_amount_has_a_price_and_every_price_a_use() -> None:
    amounts = cost.total(cost.used(1_000, INPUTS, cost.Deployment()))
    assert {*amounts, "alert_condition_month"} == set(PRICES["usd"])
