"""Arrays that go to the parent through memory are those that were sent, and the way without it is open."""

import errno
import os
from pathlib import Path

import numba
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from audiofeat import FrontEnd, save
from audiofeat.extraction import extract_features, passing
from audiofeat.extraction.passing import LEAST, MOST, Inbox, Outbox, Passed

N_PLACES = 3
linux = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memory that is a file")


@pytest.fixture
def boxes():
    inbox = Inbox()
    assert not inbox.path or "memfd:audiofeat" in os.path.realpath(inbox.path)
    outbox = Outbox(inbox.path, N_PLACES)
    yield inbox, outbox
    inbox.close()
    inbox.close()
    if outbox._descriptor is not None:
        os.close(outbox._descriptor)


def numbers(shape, dtype, seed=0):
    return np.random.default_rng(seed).integers(0, 100, shape).astype(dtype)


@linux
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "int64", "complex64", "bool"])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_an_array_arrives(dtype, order, boxes):
    inbox, outbox = boxes
    array = numbers((40, 3, 1000), dtype)
    array = array[:, ::-1, ::2] if order == "strided" else np.asarray(array, order=order)
    array = np.concatenate([array, array]) if array.nbytes < LEAST else array
    array = np.concatenate([array, array]) if array.nbytes < LEAST else array
    passed = outbox.pass_on(array)
    assert isinstance(passed, Passed)
    found = inbox.take(passed)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert_array_equal(found, array)


@linux
def test_as_many_are_on_the_way_as_there_are_places(boxes):
    inbox, outbox = boxes
    arrays = [numbers(LEAST + 1000 * i, "int64", seed=i) for i in range(4 * N_PLACES)]
    sent = [outbox.pass_on(array) for array in arrays[:N_PLACES]]
    for i, array in enumerate(arrays):
        assert_array_equal(inbox.take(sent[i]), array)
        if i + N_PLACES < len(arrays):
            sent.append(outbox.pass_on(arrays[i + N_PLACES]))
    assert Path(inbox.path).stat().st_size <= (N_PLACES - 1) * MOST + max(array.nbytes for array in arrays)
    kept = inbox.take(sent[-1])
    for array in arrays[:N_PLACES]:
        outbox.pass_on(array)
    assert_array_equal(kept, arrays[-1])  # a copy: its place holds another


@linux
def test_what_is_small_or_huge_goes_itself(boxes):
    _, outbox = boxes
    sizes = {LEAST - 1: False, LEAST: True, MOST: True, MOST + 1: False}
    for size, is_passed in sizes.items():
        array = np.zeros(size, np.uint8)
        sent = outbox.pass_on(array)
        assert isinstance(sent, Passed) if is_passed else sent is array
    assert outbox.pass_on(None) is None


@linux
@pytest.mark.parametrize("written", [OSError(errno.ENOSPC, "No space left"), 4096])
def test_an_array_that_does_not_fit_goes_itself(written, boxes, monkeypatch):
    inbox, outbox = boxes
    array = numbers(LEAST, "float32")

    def pwrite(descriptor, data, offset):
        if isinstance(written, OSError):
            raise written
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", pwrite)
        assert outbox.pass_on(array) is array
    assert_array_equal(inbox.take(outbox.pass_on(array)), array)


@linux
def test_bytes_that_are_missing_are_an_error(boxes):
    inbox, _ = boxes
    with pytest.raises(OSError, match="0 bytes of 8000 have been passed"):
        inbox.take(Passed(0, (1000,), "<f8"))


def refused(_):
    raise OSError(errno.ENOSYS, "Function not implemented")


@pytest.mark.parametrize("kernel", ["without", "refusing"])
def test_without_memory_arrays_go_themselves(kernel, monkeypatch):
    if kernel == "without":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    else:
        monkeypatch.setattr(os, "memfd_create", refused, raising=False)
    inbox = Inbox()
    array = np.zeros(LEAST)
    assert inbox.path == ""
    for path in ("", "/proc/nobody/fd/3"):
        assert Outbox(path, N_PLACES).pass_on(array) is array
    inbox.close()


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the stand-ins for kernels are not in other processes")
@pytest.mark.parametrize("memory", [pytest.param(True, marks=linux), False], ids=["memory", "pipe"])
def test_a_store_is_the_same_by_either_way(memory, tmp_path, monkeypatch):
    rng, taken = np.random.default_rng(0), []
    (tmp_path / "files").mkdir()
    for i in range(14):
        save(tmp_path / "files" / f"{i:02}.wav", rng.uniform(-0.9, 0.9, 3000 + 1500 * i), 8000)
    if not memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    take = Inbox.take
    monkeypatch.setattr(passing.Inbox, "take", lambda self, passed: taken.append(passed) or take(self, passed))
    options = {"features": FrontEnd(8000, n_fft=64, hop_length=8, n_mels=20)}
    found = extract_features(tmp_path / "files", tmp_path / "found", n_jobs=2, **options)
    if memory:  # and it has been let go
        assert not any("memfd:audiofeat" in os.path.realpath(file) for file in Path("/proc/self/fd").iterdir())
    expected = extract_features(tmp_path / "files", tmp_path / "expected", engine="serial", **options)
    assert len(taken) == (sum(item.nbytes >= LEAST for item in expected) if memory else 0)
    assert 0 < sum(item.nbytes >= LEAST for item in expected) < len(expected) == 14
    for path in expected.paths:
        assert found[path].tobytes() == expected[path].tobytes()
