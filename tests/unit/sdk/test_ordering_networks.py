"""A network from ONNX on the market in memory: ordered with floats, computed in the sandbox, read as floats."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from network_onnx import drawn_classes, run_onnx, write_cnn
from sdk_world import PRICE, SdkWorld
from stun_sdk import Model, Task, TaskInvalid

from stun.cli.quantized import GRAPH_FILE, MANIFEST_FILE, Quantized
from stun.models.manifest import NumericClass, parse_manifest
from stun.models.quantize.networks.report import quantize_network
from stun.pool.envelopes import Kind
from stun.provider.model_cache import ModelCache
from stun.provider.workshop import SandboxWorkshop

pytestmark = pytest.mark.unit

SHAPE = (3, 12, 12)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cnn.onnx and its integers."""
    folder = tmp_path_factory.mktemp("network")
    write_cnn(folder / "cnn.onnx", SHAPE)
    np.save(folder / "in.npy", drawn_classes(300, SHAPE, 1)[0])
    made, report = quantize_network(folder / "cnn.onnx", folder / "in.npy")
    Quantized("cnn", made.graph, made.input_format.word, made.output_format.word, {}).write(
        folder, report.record(), lambda _: False
    )
    return folder


@pytest.fixture
def workshop(world: SdkWorld, tmp_path: Path) -> Iterator[SandboxWorkshop]:
    found = SandboxWorkshop(world.store, ModelCache(tmp_path / "cache", world.store))
    yield found
    found.close()


def upload(world: SdkWorld, network: Path) -> str:
    world.market.mint(world.market.stun, world.requester.account, 10**13)
    manifest = parse_manifest((network / MANIFEST_FILE).read_bytes())
    return world.client().upload_model(Model.from_manifest(manifest, {"graph": network / GRAPH_FILE}))


def test_floats_go_in_and_come_out(world: SdkWorld, network: Path, workshop: SandboxWorkshop, tmp_path: Path) -> None:
    model_id, (samples, _) = upload(world, network), drawn_classes(5, SHAPE, 2)
    np.save(tmp_path / "photo.npy", samples[4])
    world.add_provider(model_id, "provider", workshop=workshop)
    inputs = [*samples[:4], str(tmp_path / "photo.npy")]

    result = world.client().submit_task(Task(model_id, inputs, replicas=1, max_price=PRICE))
    world.match(result)
    world.finish(result)
    arrays, real = np.stack(result.get_arrays()), run_onnx(network / "cnn.onnx", samples)

    assert arrays.shape == (5, 10)
    assert np.linalg.norm(arrays - real) < 0.04 * np.linalg.norm(real)
    assert (arrays.argmax(1) == real.argmax(1)).all()
    assert parse_manifest((network / MANIFEST_FILE).read_bytes()).numeric_class is NumericClass.EXACT
    world.settle(result)


def test_what_the_model_cannot_read_is_refused_before_it_costs(world: SdkWorld, network: Path) -> None:
    model_id, (samples, _) = upload(world, network), drawn_classes(2, SHAPE, 2)
    world.add_provider(model_id, "provider")

    for wrong in (samples[0, :2], samples[0] * 1e6, np.full(SHAPE, np.nan)):
        with pytest.raises(TaskInvalid, match="numbers"):
            world.client().submit_task(Task(model_id, wrong, replicas=1, max_price=PRICE))
    assert Kind.ORDER not in world.pools.kinds
