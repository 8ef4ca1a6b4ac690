"""A path has the specification's bits or is refused by name."""

import sys

import pytest
from exact_models import HalfFloats, SaturatingPairs, UnchunkedFloats, differing, reference

from stun.models.exact import paths
from stun.models.exact.engine import Engine
from stun.models.exact.errors import KnownAnswerWrong, PathMissing
from stun.models.exact.known_answers import ANSWERS, answers_of, gauntlet, gauntlet_inputs, require_known_answers
from stun.models.exact.native.backend import Native
from stun.models.exact.portable import Portable
from stun.protocol.graph.operators import Opcode

pytestmark = pytest.mark.unit


def test_known_answers_are_the_reference_executors() -> None:
    assert answers_of(reference(gauntlet(), gauntlet_inputs())) == ANSWERS


def test_gauntlet_has_every_operator() -> None:
    assert {operator.opcode for operator in gauntlet().operators} == set(Opcode)


@pytest.mark.parametrize("backend", [Portable(), Native(), Native(use_vnni=False)], ids=["portable", "native", "pairs"])
def test_backend_passes_operator_by_operator(backend: Portable | Native) -> None:
    graph, inputs = gauntlet(), gauntlet_inputs()

    assert differing(Engine(graph, backend), inputs, reference(graph, inputs)) == []
    require_known_answers(backend)


@pytest.mark.torch
def test_torch_passes() -> None:
    assert paths.choose_path("torch").backend.name == "torch"


@pytest.mark.parametrize("wrong", [SaturatingPairs, UnchunkedFloats, HalfFloats])
def test_inexact_arithmetic_is_refused(wrong: type[Portable]) -> None:
    with pytest.raises(KnownAnswerWrong) as refused:
        require_known_answers(wrong())

    assert refused.value.path == "portable"
    assert "could be proven" in str(refused.value)


def test_what_depends_on_the_pack_is_refused() -> None:
    class OneTaskWrong(Portable):
        def pairs(self, a, b, peak):  # type: ignore[no-untyped-def]
            return super().pairs(a, b, peak) + (len(a) == 1)

    with pytest.raises(KnownAnswerWrong) as refused:
        require_known_answers(OneTaskWrong())

    assert refused.value.case == "a task alone and in a pack"


def test_the_fastest_path_is_native() -> None:
    choice = paths.choose_path()

    assert (choice.backend.name, choice.refused) == ("native", ())


def test_without_numba_the_portable_path_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    paths._verified.cache_clear()
    monkeypatch.setitem(sys.modules, "stun.models.exact.native.backend", None)

    choice = paths.choose_path()
    paths._verified.cache_clear()

    assert choice.backend.name == "portable"
    assert [type(error) for error in choice.refused] == [PathMissing]


def test_a_native_path_with_other_bits_is_passed_over_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    paths._verified.cache_clear()
    monkeypatch.setitem(paths._MAKERS, "native", UnchunkedFloats)

    choice = paths.choose_path()
    with pytest.raises(KnownAnswerWrong):
        paths.choose_path("native")
    paths._verified.cache_clear()

    assert type(choice.backend) is Portable
    assert [type(error) for error in choice.refused] == [KnownAnswerWrong]


def test_an_unknown_path_is_refused() -> None:
    with pytest.raises(PathMissing, match="native, portable, torch"):
        paths.choose_path("fpga")


def test_torch_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    paths._verified.cache_clear()
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(PathMissing, match="torch"):
        paths.choose_path("torch")
