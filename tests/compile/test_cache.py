"""The disk cache: hits, damage, races, privacy, and disks that refuse."""

import contextlib
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from symnb.compile import cache
from symnb.options import config


def put(store: cache.Cache, key: str, content: bytes = b"code", build: str = "b1"):
    """A stored entry whose object is `content`."""
    with store.scratch() as path:
        (path / cache.LIBRARY).write_bytes(content)
        (path / "unit000.c").write_text(f"/* {key} */")
        return store.store(path, key, build, {"note": key})


@pytest.fixture
def store(tmp_path: Path) -> cache.Cache:
    """An empty cache on disk."""
    return cache.Cache(tmp_path)


def test_stored_entry_is_found_with_its_parts(store: cache.Cache) -> None:
    put(store, "k")
    entry = store.find("k", "b1")
    assert entry is not None
    assert entry.library.read_bytes() == b"code"
    assert entry.sources == ("/* k */",) and entry.meta["note"] == "k"


def test_other_key_or_build_is_a_miss(store: cache.Cache) -> None:
    put(store, "k")
    assert store.find("other", "b1") is None and store.find("k", "b2") is None


def test_without_compiler_the_newest_build_serves(store: cache.Cache) -> None:
    first, second = put(store, "k", b"1", "b1"), put(store, "k", b"2", "b2")
    os.utime(first.path, (1, 1))
    assert store.find("k", None) == second
    os.utime(second.path, (0, 0))
    found = store.find("k", None)
    assert found is not None and found.path == first.path


def test_entries_outlive_the_process(tmp_path: Path) -> None:
    put(cache.Cache(tmp_path), "k")
    assert cache.Cache(tmp_path).find("k", "b1") is not None


@pytest.mark.parametrize("content", [b"", b"cod", b"c0de", b"code\0"])
def test_damaged_object_is_discarded(store: cache.Cache, content: bytes) -> None:
    entry = put(store, "k")
    entry.library.write_bytes(content)
    assert store.find("k", "b1") is None and not entry.path.exists()
    assert put(store, "k").path == entry.path
    assert store.find("k", "b1") is not None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"digest": 3}', "\x00\xff"]
)
def test_damaged_meta_is_discarded(store: cache.Cache, text: str) -> None:
    entry = put(store, "k")
    (entry.path / cache.META).write_text(text)
    assert store.find("k", "b1") is None and not entry.path.exists()


def test_entry_that_lost_a_file_is_discarded(store: cache.Cache) -> None:
    for name in (cache.META, cache.LIBRARY):
        entry = put(store, "k")
        (entry.path / name).unlink()
        assert store.find("k", "b1") is None
        assert not entry.path.exists()


def test_file_in_the_place_of_an_entry_is_replaced(store: cache.Cache) -> None:
    entry = put(store, "k")
    store.clear()
    entry.path.write_text("not a directory")
    assert store.find("k", "b1") is None
    put(store, "k")
    assert store.find("k", "b1") is not None


def test_entry_is_renamed_into_place_whole(store: cache.Cache) -> None:
    with store.scratch() as path:
        (path / cache.LIBRARY).write_bytes(b"code")
        assert store.find("k", "b1") is None
        entry = store.store(path, "k", "b1", {})
    assert entry.path.is_dir() and not path.exists()


def test_many_writers_of_one_entry_agree(store: cache.Cache) -> None:
    barrier, entries = threading.Barrier(16), []

    def work() -> None:
        barrier.wait()
        entries.append(put(store, "k"))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entries) == 16 and len({entry.path for entry in entries}) == 1
    assert store.info().entries == 1
    assert not list(store.root.glob(f"{cache.SCRATCH}*"))  # type: ignore[union-attr]


def test_directory_is_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = cache.Cache(tmp_path / "new")
        entry = put(store, "k")
    finally:
        os.umask(old)
    assert store.root is not None
    for path in (store.root, entry.path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_users_own_directory_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    cache.Cache(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_directory_others_can_write_is_not_used(tmp_path: Path, mode: int) -> None:
    (tmp_path / cache.FOLDER).mkdir()
    (tmp_path / cache.FOLDER).chmod(mode)
    assert cache.Cache(tmp_path).root is None


def test_directory_of_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache.Cache(tmp_path), "k")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    store = cache.Cache(tmp_path)
    assert store.root is None and store.find("k", "b1") is None


def test_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / cache.FOLDER).symlink_to(tmp_path / "elsewhere")
    assert cache.Cache(tmp_path).root is None
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o755


def test_clear_leaves_files_of_others_alone(store: cache.Cache) -> None:
    put(store, "k")
    assert store.root is not None
    (store.root / "thesis").mkdir()
    assert store.clear() == 1 and (store.root / "thesis").is_dir()


def test_unusable_root_degrades_to_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = cache.Cache(tmp_path / "file")
    entry = put(store, "k")
    assert store.find("k", "b1") == entry
    assert store.info().path is None and store.info().entries == 1
    assert "temporary" in str(store.info())


def test_memory_entries_go_with_the_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code = f"""
from pathlib import Path
from symnb.compile import cache
store = cache.Cache(Path({str(tmp_path / "file")!r}))
with store.scratch() as path:
    (path / cache.LIBRARY).write_bytes(b"code")
    print(store.store(path, "k", "b", {{}}).path)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    path = Path(run.stdout.strip())
    assert path.name and not path.exists() and not path.parent.exists()


def test_removed_directory_is_made_again(store: cache.Cache) -> None:
    put(store, "k")
    assert store.root is not None
    for path in store.root.iterdir():
        cache._discard(path)
    store.root.rmdir()
    assert store.find("k", "b1") is None
    put(store, "k")
    assert store.find("k", "b1") is not None


def test_info_counts_and_clear_empties(store: cache.Cache) -> None:
    assert store.info().entries == 0
    put(store, "a"), put(store, "b")
    info = store.info()
    assert info.entries == 2 and info.bytes > 8 and info.path == store.root
    assert store.clear() == 2
    assert store.info() == cache.CacheInfo(store.root, 0, 0)
    assert store.clear() == 0


def test_clear_spares_what_is_being_built(store: cache.Cache) -> None:
    with store.scratch() as path:
        store.clear()
        assert path.is_dir()


def test_clear_removes_what_a_dead_process_left(store: cache.Cache) -> None:
    assert store.root is not None
    left = store.root / f"{cache.SCRATCH}1-dead"
    left.mkdir()
    os.utime(left, (1, 1))
    store.clear()
    assert not left.exists()


def test_failed_store_leaves_no_entry(
    store: cache.Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space"):
        put(store, "k")
    monkeypatch.undo()
    assert store.find("k", "b1") is None
    assert not list(store.root.iterdir())  # type: ignore[union-attr]


def test_small_values_are_remembered(store: cache.Cache) -> None:
    assert store.recall("t.json") is None
    store.remember("t.json", {"a": [1]})
    assert store.recall("t.json") == {"a": [1]}
    assert store.root is not None
    (store.root / "t.json").write_text("{")
    assert store.recall("t.json") is None


def test_key_depends_on_the_machine_unless_reproducible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = cache.entry_name("k")
    with config.change(reproducible=True):
        fixed = cache.entry_name("k")
    monkeypatch.setattr(cache, "cpu_features", lambda: "another CPU")
    assert cache.entry_name("k") != here
    with config.change(reproducible=True):
        assert cache.entry_name("k") == fixed
    assert cache.entry_name("k2") != cache.entry_name("k")


def test_current_cache_follows_the_option(tmp_path: Path) -> None:
    with config.change(cache_dir=str(tmp_path)):
        assert cache.current().root == tmp_path / cache.FOLDER
        assert cache.info().path == tmp_path / cache.FOLDER and cache.clear() == 0


def test_meta_is_readable_json(store: cache.Cache) -> None:
    entry = put(store, "k")
    meta = json.loads((entry.path / cache.META).read_text())
    assert meta["note"] == "k" and len(meta["digest"]) == 32


def test_scratch_is_removed_after_an_error(store: cache.Cache) -> None:
    with contextlib.suppress(KeyError), store.scratch() as path:
        raise KeyError
    assert not path.exists()
