"""The checklist of a release: what is not ready is said."""

from __future__ import annotations

from pathlib import Path

import pytest

import catalog
from tests.release import __main__ as release


@pytest.mark.parametrize(
    "head",
    [
        "## [Unreleased]\n",
        f"## [{catalog.__version__}]\n",
        "## [99.0.0] - 2026-11-20\n",
        f"## [99.0.0] - 2026-11-20\n\n## [{catalog.__version__}] - 2026-01-01\n",
    ],
)
def test_a_version_without_a_date_on_top_is_not_ready(
    head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{head}")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    with pytest.raises(release.Unready, match=catalog.__version__):
        release.changelog()


def test_a_version_with_its_date_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## [{catalog.__version__}] - 2026-11-20\n"
    )
    monkeypatch.setattr(release, "ROOT", tmp_path)
    assert release.changelog() == f"{catalog.__version__}, dated 2026-11-20"


def test_a_command_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(release.Unready, match="the last word"):
        release.do("sh", "-c", "echo the last word >&2; exit 3")


def test_one_wheel_is_tried_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "ROOT", tmp_path)
    with pytest.raises(release.Unready, match="make wheel"):
        release.built()


def test_there_is_a_python_to_try_it_on() -> None:
    assert 1 <= len(release.pythons()) <= 2


def test_campaigns_are_walked_when_they_are_asked_for() -> None:
    short = [title for title, _ in release.steps(full=False)]
    full = [title for title, _ in release.steps(full=True)]
    assert short == full[: len(short)]
    assert full[len(short) :] == ["tests", *(f"campaign {word}" for word, _ in release.CAMPAIGNS)]
    makefile = (release.ROOT / "Makefile").read_text(encoding="utf-8")
    for word, _ in release.CAMPAIGNS:
        assert f"\n{word}: " in makefile
