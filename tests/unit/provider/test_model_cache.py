"""The cache of model files: right bytes or none, bounded, and nothing dropped under its users."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from stun.provider.model_cache import CacheFull, ModelCache, WrongBytes

pytestmark = pytest.mark.unit


class CountingSource:
    """A source that counts what it is asked for."""

    def __init__(self, *blobs: bytes) -> None:
        self.blobs = {sha256(blob).digest(): blob for blob in blobs}
        self.asked: list[bytes] = []
        self._lock = threading.Lock()

    def get(self, digest: bytes) -> bytes:
        with self._lock:
            self.asked.append(digest)
        return self.blobs[digest]


BLOBS = [bytes([index]) * 1000 for index in range(6)]
DIGESTS = [sha256(blob).digest() for blob in BLOBS]


@pytest.fixture
def source() -> CountingSource:
    return CountingSource(*BLOBS)


@pytest.fixture
def cache(tmp_path: Path, source: CountingSource) -> ModelCache:
    return ModelCache(tmp_path / "cache", source, max_bytes=3000)


def use(cache: ModelCache, index: int) -> None:
    with cache.hold({"weights": DIGESTS[index]}) as files:
        assert files["weights"].read_bytes() == BLOBS[index]


def test_file_is_fetched_once(cache: ModelCache, source: CountingSource) -> None:
    use(cache, 0)
    use(cache, 0)
    assert source.asked == [DIGESTS[0]]


def test_roles_of_one_model_are_held_together(cache: ModelCache) -> None:
    with cache.hold({"weights": DIGESTS[0], "tokenizer": DIGESTS[1], "again": DIGESTS[0]}) as files:
        assert files["weights"] == files["again"]
        assert files["tokenizer"].read_bytes() == BLOBS[1]


def test_another_cache_on_the_folder_finds_the_file(cache: ModelCache, tmp_path: Path) -> None:
    use(cache, 0)
    other = CountingSource()
    use(ModelCache(tmp_path / "cache", other, 3000), 0)
    assert other.asked == []


def test_wrong_bytes_are_refused_and_not_kept(cache: ModelCache, source: CountingSource) -> None:
    source.blobs[DIGESTS[0]] = b"other"
    with pytest.raises(WrongBytes) as caught:
        cache.hold({"weights": DIGESTS[0]})
    assert caught.value.digest == DIGESTS[0]
    assert cache.size() == 0


def test_broken_file_is_fetched_again(cache: ModelCache, source: CountingSource, tmp_path: Path) -> None:
    use(cache, 0)
    (tmp_path / "cache" / DIGESTS[0].hex()).write_bytes(b"bit rot")
    use(cache, 0)
    assert len(source.asked) == 2


def test_broken_file_in_use_does_not_block(cache: ModelCache, tmp_path: Path) -> None:
    with cache.hold({"weights": DIGESTS[0]}):
        (tmp_path / "cache" / DIGESTS[0].hex()).write_bytes(b"bit rot")
        use(cache, 0)


def test_least_recently_used_is_dropped(cache: ModelCache, source: CountingSource, tmp_path: Path) -> None:
    for index in range(3):
        use(cache, index)
        stamp = 1_000 + index
        os.utime(tmp_path / "cache" / f"{DIGESTS[index].hex()}.used", (stamp, stamp))
    use(cache, 0)
    use(cache, 3)
    assert cache.size() == 3000
    use(cache, 0)
    assert source.asked == DIGESTS[:4]
    use(cache, 1)
    assert source.asked[-1] == DIGESTS[1]


def test_file_in_use_is_never_dropped(cache: ModelCache) -> None:
    held = cache.hold({str(index): DIGESTS[index] for index in range(3)})
    with pytest.raises(CacheFull):
        cache.hold({"weights": DIGESTS[3]})
    assert all(path.exists() for path in held.files.values())
    held.release()
    held.release()
    use(cache, 3)
    assert cache.size() == 3000


def test_file_larger_than_the_cache_is_refused(tmp_path: Path) -> None:
    blob = bytes(5000)
    cache = ModelCache(tmp_path / "cache", CountingSource(blob), 4999)
    with pytest.raises(CacheFull) as caught:
        cache.hold({"weights": sha256(blob).digest()})
    assert caught.value.size == 5000


def test_error_of_the_source_passes_and_holds_nothing(cache: ModelCache) -> None:
    with pytest.raises(KeyError):
        cache.hold({"a": DIGESTS[0], "weights": bytes(32)})
    for index in range(1, 5):
        use(cache, index)
    assert cache.size() <= 3000


@pytest.mark.parametrize("digest", [b"", b"../../etc/passwd", bytes(33)])
def test_digest_of_wrong_length_is_refused(cache: ModelCache, digest: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        cache.hold({"weights": digest})


def test_left_overs_of_a_killed_process_are_removed(cache: ModelCache, tmp_path: Path, source: CountingSource) -> None:
    partial = tmp_path / "cache" / "incoming" / "half"
    partial.write_bytes(b"half")
    ModelCache(tmp_path / "cache", source)
    assert not partial.exists()


def test_many_users_at_once_get_right_bytes(tmp_path: Path, source: CountingSource) -> None:
    caches = [ModelCache(tmp_path / "cache", source, 5000) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(use, caches[step % 3], step * 5 % 6) for step in range(300)]
        for job in jobs:
            job.result()
    assert caches[0].size() <= 5000


def test_two_users_of_a_missing_file_fetch_it_once(tmp_path: Path, source: CountingSource) -> None:
    caches = [ModelCache(tmp_path / "cache", source) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda cache: use(cache, 0), caches))
    assert source.asked == [DIGESTS[0]]
