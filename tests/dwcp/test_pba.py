"""PBA's predictions: they follow a level and a trend, and their accuracy says how well."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dwcp.pba import Predictions, Predictor
from dwcp.web import Answer

RATES = st.floats(1e3, 1e11)


def a_predictor(*rates: float) -> Predictor:
    predictor = Predictor()
    for rate in rates:
        predictor = predictor.observe(rate)
    return predictor


def ask(predictions: Predictions, query: bytes) -> Answer:
    return predictions.routes()[("GET", "/prediction")](query)


def test_nothing_is_predicted_of_a_link_that_was_never_seen() -> None:
    assert Predictor().predict() is None
    assert Predictor().accuracy() is None


def test_one_observation_is_the_first_prediction_and_says_nothing_of_its_accuracy() -> None:
    assert a_predictor(2e9).predict() == 2e9
    assert a_predictor(2e9).accuracy() is None


def test_a_steady_link_is_predicted_exactly() -> None:
    predictor = a_predictor(*[2e9] * 5)
    assert predictor.predict() == pytest.approx(2e9)
    assert predictor.accuracy() == 1


def test_a_rising_link_is_followed_by_its_trend() -> None:
    rates = [1e9 + n * 1e8 for n in range(40)]
    predicted = a_predictor(*rates).predict()
    assert predicted == pytest.approx(rates[-1] + 1e8, rel=0.02)


def test_a_link_that_changed_is_predicted_well_after_a_few_observations() -> None:
    before = a_predictor(*[4e9] * 20)
    surprised = before.observe(1e9)
    assert surprised.accuracy() == pytest.approx(0.4)
    settled = a_predictor(*[4e9] * 20, *[1e9] * 30)
    assert settled.predict() == pytest.approx(1e9, rel=0.05)
    assert (settled.accuracy() or 0) > 0.95


def test_a_link_that_jumps_each_time_is_predicted_badly() -> None:
    accuracy = a_predictor(*[4e9, 5e8] * 20).accuracy()
    assert accuracy is not None
    assert accuracy < 0.85


def test_a_link_that_falls_fast_is_never_predicted_to_stop() -> None:
    predicted = a_predictor(8e9, 4e9, 1e9, 1e8, 1e7).predict()
    assert predicted is not None
    assert predicted > 0


@given(st.lists(RATES, min_size=2, max_size=60))
def test_whatever_is_observed_accuracy_is_a_share_and_the_prediction_is_a_rate(
    rates: list[float],
) -> None:
    predictor = a_predictor(*rates)
    accuracy, predicted = predictor.accuracy(), predictor.predict()
    assert accuracy is not None
    assert predicted is not None
    assert 0 <= accuracy <= 1
    assert predicted > 0


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_what_is_no_rate_is_refused_and_changes_nothing(rate: float) -> None:
    predictions = Predictions(CollectorRegistry())
    predictions.observe("a", 1e9)
    with pytest.raises(ValueError, match="no rate"):
        predictions.observe("a", rate)
    assert predictions.predict("a") == 1e9


def test_each_destination_has_its_own_prediction() -> None:
    predictions = Predictions(CollectorRegistry())
    for _ in range(3):
        predictions.observe("near", 4e9)
        predictions.observe("far", 1e8)
    assert predictions.predict("near") == pytest.approx(4e9)
    assert predictions.predict("far") == pytest.approx(1e8)
    assert predictions.predict("nowhere") is None
    assert predictions.predicted() == {"near": pytest.approx(4e9), "far": pytest.approx(1e8)}


def test_metrics_appear_with_the_first_accuracy_and_fade() -> None:
    registry = CollectorRegistry()
    predictions = Predictions(registry, expiry=1e9)
    name, labels = "dwcp_v3_pba_prediction_accuracy", {"destination": "near"}
    predictions.observe("near", 2e9)
    assert registry.get_sample_value(name, labels) is None
    predictions.observe("near", 4e9)
    assert registry.get_sample_value(name, labels) == pytest.approx(0.5)
    rate = registry.get_sample_value("dwcp_v3_pba_predicted_bytes_per_second", labels)
    assert rate == predictions.predict("near")
    faded = CollectorRegistry()
    late = Predictions(faded, expiry=-1)
    late.observe("near", 2e9)
    late.observe("near", 2e9)
    assert faded.get_sample_value(name, labels) is None


def test_the_route_answers_with_null_for_what_is_not_known() -> None:
    predictions = Predictions(CollectorRegistry())
    answer = ask(predictions, b"destination=far%20away")
    assert (answer.status, json.loads(answer.body)) == (
        200,
        {"bytes_per_second": None, "accuracy": None},
    )
    predictions.observe("far away", 1e8)
    predictions.observe("far away", 1e8)
    assert json.loads(ask(predictions, b"destination=far%20away").body) == {
        "bytes_per_second": 1e8,
        "accuracy": 1.0,
    }


@pytest.mark.parametrize("query", [b"", b"destination=", b"destination=a&destination=b", b"\xff"])
def test_a_question_without_one_name_is_refused(query: bytes) -> None:
    assert ask(Predictions(CollectorRegistry()), query).status == 400
