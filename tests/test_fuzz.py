"""The fuzz targets hold on their own seeds, and on seeds that were cut and mixed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.__main__ import SEEDS, _seeds
from fuzz.targets import TARGETS

PIECES = {target: [seed[:3000] for seed in _seeds(target)] for target in SEEDS}


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_found_and_hold(target: str) -> None:
    assert len(PIECES[target]) > 10
    for seed in PIECES[target][:100]:
        TARGETS[target](seed)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=60)
@given(data=st.data())
def test_mixed_seeds_hold(target: str, data: st.DataObject) -> None:
    parts = []
    for _ in range(data.draw(st.integers(1, 3))):
        seed = data.draw(st.sampled_from(PIECES[target]))
        start = data.draw(st.integers(0, len(seed)))
        parts.append(seed[start : start + data.draw(st.integers(0, 400))])
        parts.append(data.draw(st.binary(max_size=3)))
    TARGETS[target](b"".join(parts))
