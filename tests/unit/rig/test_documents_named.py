"""A profile or site is found by its name, wherever one happens to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.rig.documents import find_document


def test_a_name_means_the_shelf_and_a_path_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    for folder in (shelf / "mini", tmp_path / "mini", tmp_path / "other"):
        folder.mkdir(parents=True)
        (folder / "profile.toml").touch()
    monkeypatch.chdir(tmp_path)

    def found(word: str) -> Path:
        return find_document("profile", word, "profile.toml", [shelf]).resolve()

    assert found("mini") == shelf / "mini/profile.toml"
    assert found("./mini") == tmp_path / "mini/profile.toml"
    assert found("mini/profile.toml") == tmp_path / "mini/profile.toml"
    assert found("other") == tmp_path / "other/profile.toml"
