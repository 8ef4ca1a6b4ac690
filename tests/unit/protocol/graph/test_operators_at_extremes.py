"""The arrays' operators beside the referee's plain integers, on values at the edges of every width.

Plain integers cannot overflow, so equality also says that no intermediate of the arrays leaves int64.
"""

import numpy as np
import pytest
from graph_cases import CASES, Case
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", CASES)
def test_every_element_is_the_referees(name: str) -> None:
    @given(CASES[name])
    def compare(case: Case) -> None:
        np.testing.assert_array_equal(case.output()[:, case.columns], case.elements())

    compare()


@given(st.one_of(*CASES.values()))
def test_an_operator_of_a_graph_fits_its_output_width(case: Case) -> None:
    limits = np.iinfo(f"i{case.operator.dtype}")
    y = case.output()
    assert limits.min <= y.min()
    assert y.max() <= limits.max
