"""Which shapes and scalars fit: a fitting operator of each kind, and each way in which it stops fitting."""

from dataclasses import replace

import numpy as np
import pytest
from graph_cases import CASES, Case
from graph_models import image_model, sentence_model
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.graph.arrays import pack_multipliers
from stun.protocol.graph.builder import GraphBuilder
from stun.protocol.graph.operators import Opcode, Operator, per_row
from stun.protocol.graph.shapes import Reads, require_fitting
from stun.protocol.graph.structure import Graph, Header
from stun.protocol.graph.tensors import Dtype, Shape

pytestmark = pytest.mark.unit

I8, I16, I32, REC = Dtype.INT8, Dtype.INT16, Dtype.INT32, Dtype.RECORDS
CLAMP = {"shift": 5, "lo": -127, "hi": 127}
TABLE = {"lut_bits": 3, "lut_step": 1}


def op(opcode: Opcode, **fields: int) -> Operator:
    return Operator(2, opcode, 0, 0, 0, **fields)


Fit = tuple[Operator, Shape, tuple[Shape, ...], tuple[Shape, ...]]
FITS: dict[str, Fit] = {
    "gather": (op(Opcode.GATHER, column=1), Shape(I16, 4, 6), (Shape(I32, 4, 2),), (Shape(I16, 9, 6),)),
    "positions": (op(Opcode.GATHER, mode=1), Shape(I16, 9, 6), (), (Shape(I16, 9, 6),)),
    "linear": (op(Opcode.LINEAR, **CLAMP), Shape(I8, 4, 5), (Shape(I8, 4, 6),), (Shape(REC, 5, 14),)),
    "turned": (op(Opcode.LINEAR, mode=1, **CLAMP), Shape(I8, 5, 4), (Shape(I8, 4, 6),), (Shape(REC, 5, 14),)),
    "linear_lut": (
        op(Opcode.LINEAR, w1=1, shift2=9, **CLAMP, **TABLE), Shape(I8, 4, 5), (Shape(I8, 4, 6),),
        (Shape(REC, 5, 18), Shape(I16, 2, 4)),
    ),
    "scores": (
        op(Opcode.MATMUL, groups=3, **CLAMP), Shape(I8, 12, 7), (Shape(I16, 4, 6), Shape(I8, 7, 6)),
        (Shape(I32, 3, 1),),
    ),
    "context": (
        op(Opcode.MATMUL, groups=3, mode=1, **CLAMP), Shape(I8, 4, 6), (Shape(I16, 12, 5), Shape(I8, 6, 5)),
        (Shape(I32, 6, 1),),
    ),
    "requant": (op(Opcode.REQUANT, **CLAMP), Shape(I8, 4, 5), (Shape(I32, 4, 5),), (Shape(I32, 5, 1),)),
    "lut": (op(Opcode.LUT, **TABLE), Shape(I16, 4, 5), (Shape(I16, 4, 5),), (Shape(I16, 1, 8),)),
    "add_norm": (op(Opcode.ADD_NORM, shift=7), Shape(I16, 4, 5), (Shape(I16, 4, 5),) * 2, (Shape(I32, 5, 2),)),
    "softmax": (op(Opcode.SOFTMAX), Shape(I16, 4, 5), (Shape(I16, 4, 5),), ()),
    "mean": (op(Opcode.MEAN), Shape(I8, 1, 4), (Shape(I8, 4, 5),), ()),
    "transpose": (op(Opcode.TRANSPOSE), Shape(I32, 5, 4), (Shape(I32, 4, 5),), ()),
    "l2_norm": (op(Opcode.L2_NORM), Shape(I16, 4, 5), (Shape(I16, 4, 5),), ()),
    "window": (
        op(Opcode.WINDOW, width=3, out_width=2, kernel=2, stride=1), Shape(I8, 8, 12), (Shape(I8, 6, 3),), (),
    ),
    "max": (op(Opcode.MAX, groups=3), Shape(I8, 4, 5), (Shape(I8, 4, 15),), ()),
}  # fmt: skip


def fit(made: Fit) -> str | None:
    operator, out, inputs, weights = made
    whole = replace(operator, dtype=out.dtype, rows=out.rows, cols=out.cols)
    try:
        require_fitting(whole, out, Reads(inputs, weights))
    except Rejected as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("name", FITS)
def test_what_fits(name: str) -> None:
    assert fit(FITS[name]) is None


@pytest.mark.parametrize("name", FITS)
def test_one_more_row_or_column_anywhere_does_not_fit(name: str) -> None:
    operator, out, inputs, weights = FITS[name]
    shapes = (out, *inputs, *weights)
    free = {  # what a kind leaves open: longer tables, ids aside, windows over any image
        "gather": {(1, "cols"), (2, "rows")}, "positions": {(1, "rows")}, "mean": {(1, "cols")},
    }.get(name, set())  # fmt: skip
    for at, shape in enumerate(shapes):
        for side in ("rows", "cols"):
            changed = list(shapes)
            changed[at] = replace(shape, **{side: getattr(shape, side) + 1})
            split = 1 + len(inputs)
            code = fit((operator, changed[0], tuple(changed[1:split]), tuple(changed[split:])))
            assert (code is None) == ((at, side) in free), (at, side, code)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("dtype", [REC, I8, I16, I32, 3])
def test_only_the_widths_of_its_definition_fit(name: str, dtype: int) -> None:
    operator, out, inputs, weights = FITS[name]
    free = {  # (place, dtype) that also fit
        "gather": {(1, I8), (1, I16)}, "linear": {(0, I16), (0, I32)}, "turned": {(0, I16), (0, I32)},
        "linear_lut": {(0, I16), (0, I32)}, "scores": {(0, I16), (0, I32), (1, I8)},
        "context": {(0, I16), (0, I32), (1, I8)},
        "requant": {(0, I16), (0, I32), (1, I8), (1, I16)},
    }.get(name, set())  # fmt: skip
    shapes = [out, *inputs, *weights]
    for at, shape in enumerate(shapes):
        changed = list(shapes)
        changed[at] = replace(shape, dtype=dtype)
        split = 1 + len(inputs)
        code = fit((operator, changed[0], tuple(changed[1:split]), tuple(changed[split:])))
        assert (code is None) == (dtype == shape.dtype or (at, dtype) in free), (at, dtype, code)


@pytest.mark.parametrize("name", FITS)
def test_neither_more_nor_fewer_tensors_fit(name: str) -> None:
    operator, out, inputs, weights = FITS[name]
    spare = Shape(I16, 4, 5)
    for wrong in (
        (inputs[:-1], weights),
        ((*inputs, spare), weights),
        (inputs, weights[:-1]),
        (inputs, (*weights, spare)),
    ):
        if wrong != (inputs, weights):
            assert fit((operator, out, *wrong)) == "graph: shape"


SCALARS = [
    *((name, {"shift": shift}) for shift in (0, 63, 255)
      for name in ("linear", "linear_lut", "scores", "context", "requant", "add_norm")),
    *((name, change) for name in ("linear", "turned", "linear_lut", "scores", "context", "requant")
      for change in ({"lo": -128}, {"hi": 128}, {"lo": 5, "hi": 4})),
    ("linear_lut", {"shift2": 0}), ("linear_lut", {"shift2": 63}), ("linear", {"mode": 2}),
    ("scores", {"mode": 2}), ("scores", {"groups": 0}), ("context", {"groups": 0}), ("max", {"groups": 0}),
    ("gather", {"mode": 2}), ("gather", {"column": 2}),
    ("lut", {"lut_bits": 16, "lut_step": 14}), ("lut", {"lut_step": 4}), ("lut", {"tails": 2}),
    *(("window", {side: 0}) for side in ("width", "out_width", "kernel", "stride")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change"), SCALARS)
def test_a_scalar_out_of_range(name: str, change: dict[str, int]) -> None:
    operator, *shapes = FITS[name]
    assert fit((replace(operator, **change), *shapes)) == "graph: scalar"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("scores", {"groups": 2}), ("context", {"groups": 2}), ("max", {"groups": 2}), ("lut", {"lut_bits": 4}),
        ("window", {"width": 4}), ("window", {"out_width": 3}), ("window", {"kernel": 3}), ("turned", {"mode": 0}),
    ],
)  # fmt: skip
def test_a_scalar_that_does_not_fit_the_shapes(name: str, change: dict[str, int]) -> None:
    operator, *shapes = FITS[name]
    assert fit((replace(operator, **change), *shapes)) == "graph: shape"  # type: ignore[arg-type]


@pytest.mark.parametrize("shift", [1, 62])
def test_the_outermost_scalars_fit(shift: int) -> None:
    operator, *shapes = FITS["requant"]
    assert fit((replace(operator, shift=shift, lo=127, hi=127), *shapes)) is None  # type: ignore[arg-type]
    assert fit((replace(op(Opcode.LUT), lut_bits=15, lut_step=15), *FITS["lut"][1:3], (Shape(I16, 2, 1),))) is None


@pytest.mark.parametrize(("dtype", "depth", "code"), [(I16, 512, None), (I16, 513, "graph: shape"), (I8, 4_096, None)])
def test_a_product_is_no_longer_than_its_sum_can_hold(dtype: Dtype, depth: int, code: str | None) -> None:
    operator = op(Opcode.MATMUL, groups=1, mode=1, **CLAMP)
    assert fit((operator, Shape(I8, 1, 1), (Shape(dtype, 1, depth), Shape(I8, 1, depth)), (Shape(I32, 1, 1),))) == code
    columns = replace(operator, mode=0)
    assert fit((columns, Shape(I8, 1, 1), (Shape(dtype, 1, depth), Shape(I8, 1, depth)), (Shape(I32, 1, 1),))) == code


def test_a_product_in_groups_is_as_long_as_one_group() -> None:
    operator = op(Opcode.MATMUL, groups=3, **CLAMP)
    for cols, code in ((1_536, None), (1_539, "graph: shape")):
        inputs = (Shape(I16, 1, cols), Shape(I8, 1, cols))
        assert fit((operator, Shape(I8, 3, 1), inputs, (Shape(I32, 3, 1),))) == code


@pytest.mark.parametrize("shape", [Shape(I16, 0, 4), Shape(I16, 4, 0), Shape(I16, 4, 2_049), Shape(I16, 2**32, 4)])
def test_what_no_tensor_has_does_not_fit_itself(shape: Shape) -> None:
    assert fit((op(Opcode.SOFTMAX), shape, (shape,), ())) == "graph: shape"


def test_the_largest_of_each_kind() -> None:
    norm = op(Opcode.ADD_NORM, shift=7)
    for cols, code in ((1_024, None), (1_025, "graph: shape")):
        assert fit((norm, Shape(I16, 4, cols), (Shape(I16, 4, cols),) * 2, (Shape(I32, cols, 2),))) == code
    for rows, code in ((2**20, None), (2**20 + 1, "graph: shape")):
        assert fit((op(Opcode.SOFTMAX), Shape(I16, rows, 1), (Shape(I16, rows, 1),), ())) == code
    for cols, code in ((256, None), (257, "graph: shape")):
        lut = op(Opcode.LUT, lut_bits=8, lut_step=0)
        assert fit((lut, Shape(I16, 1, 1), (Shape(I16, 1, 1),), (Shape(I16, 512 // cols, cols),))) == code


def test_one_multiplier_serves_all_columns() -> None:
    operator, out, inputs, _ = FITS["requant"]
    assert fit((operator, out, inputs, (Shape(I32, 1, 1),))) is None


@given(st.one_of(*CASES.values()))
def test_the_cases_of_other_tests_fit(case: Case) -> None:
    require_fitting(case.operator, case.out, case.reads)


@pytest.mark.parametrize("model", [sentence_model(), image_model()], ids=["sentence", "image"])
def test_what_fits_at_both_ends_fits_between(model: Graph) -> None:
    for n in range(model.header.min_rows, model.header.max_rows + 1):
        for operator in model.operators:
            require_fitting(operator, operator.shape(n), model.reads(operator, n))


def test_a_window_over_a_part_of_some_sizes_is_refused() -> None:
    build = GraphBuilder()
    pixels = build.input(Dtype.INT8, 1)
    window = build.window(pixels, (2, 3), (1, 1))
    build.operators[window] = replace(build.operators[window], rows=per_row(1), out_width=1)
    build.build(6, 6)
    with pytest.raises(Rejected, match=r"^graph: shape$"):
        build.build(3, 6)  # 3 and 6 rows fit a width of 3, 4 do not
    build.operators[window] = replace(build.operators[window], width=1)
    build.build(3, 6)
    build.operators[window] = replace(build.operators[window], out_width=3)
    with pytest.raises(Rejected, match=r"^graph: shape$"):
        build.build(3, 6)


def test_groups_over_a_part_of_some_sizes_are_refused() -> None:
    """Scores over groups of n columns: 2 and 4 columns fit two groups, 3 do not."""
    operators = (
        Operator(0, Opcode.INPUT, I8, per_row(1), 6),
        Operator(1, Opcode.TRANSPOSE, I8, 6, per_row(1), a=0),
        Operator(2, Opcode.MATMUL, I8, 12, 6, a=1, b=1, w0=0, groups=2, **CLAMP),
    )
    weight = pack_multipliers(np.array([1, 1]))
    Graph(Header(0, 3, 1, 4, 4), operators, (weight,))
    with pytest.raises(Rejected, match=r"^graph: shape$"):
        Graph(Header(0, 3, 1, 2, 4), operators, (weight,))
