"""What is disturbed: real commands on real files, and what must be there when they have ended.

A scene begins from the same files each time. Whatever happened to its command, the catalog must
verify, and the same command given again must end where an undisturbed one ends.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog.export.verifying import verify_export
from catalog.simulator import FaultTimes, Population, RunningGateway, running_gateway, write_ids
from catalog.simulator.recordings import write_observations
from catalog.storage.dump import digest
from catalog.storage.engine import open_engine, read
from catalog.storage.schema import HEAD, revision_of
from catalog.storage.verify import verify
from catalog.times import DAY, to_iso
from tests.faults.disturbing import Disturbance
from tests.faults.forking import Forge, Order
from tests.migration.kept import make

NAMES = ("harvest", "import", "rebuild", "export", "backup", "merge", "upgrade")
"""The commands; a scene each."""
SETTINGS = """
[catalog]
url = "sqlite:///catalog.db"
[sources.simulated]
dialect = "gpts-v2"
base_url = "{base_url}"
api_key_env = "SIMULATED_KEY"
requests_per_second = 1000
backoff_base = 0.01
max_concurrency = 4
[export]
pseudonym_key_env = "SIMULATED_KEY"
"""
"""What the commands of scenes are set to."""
SIZE = 14
"""GPTs of a scene: few, so that all calls of a command can be tried one after the other."""
_TRIES = 6
"""How often a command is given again before it is held not to come back."""
_REPORTED = (0, 1, 3, 4)
"""Exit statuses that say in words what was wrong; 2 would blame whoever typed the command."""


@dataclass(frozen=True)
class Scene:
    """A command, from its beginning to where it must end.

    Attributes:
        name: of the command.
        start: the folder it begins with.
        words: what is typed.
        again: what is typed when it has ended early; the same, mostly.
        end: what is there when it has ended well, in a form that can be compared.
        finished: whether nothing is left to be done after all: an export is never written twice.
        due: checks that may find something until it is given again, as they say themselves.
        environ: for the command.
    """

    name: str
    start: Path
    words: tuple[str, ...]
    end: Callable[[Path], object]
    again: tuple[str, ...] = ()
    finished: Callable[[Path], bool] = lambda _: False
    due: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)


class Wrong(AssertionError):
    """A command, or what it left behind, is not as promised."""


class Stage:
    """Plays scenes.

    Args:
        forge: runs commands.
        folder: an empty one.

    Attributes:
        folder: the same.
        record: where disturbances tell what they did.
    """

    def __init__(self, forge: Forge, folder: Path) -> None:
        self._forge = forge
        self.folder = folder
        self._expected: dict[str, object] = {}
        self.record = folder / "told"

    def expected(self, scene: Scene) -> object:
        """Where an undisturbed command ends."""
        if scene.name not in self._expected:
            place = self._place(scene)
            status = self._run(scene, scene.words, place)
            if status != 0:
                raise Wrong(f"{scene.name} undisturbed ended with {status}: {self.complaint()}")
            check_whole(place)
            self._expected[scene.name] = scene.end(place)
        return self._expected[scene.name]

    def play(
        self,
        scene: Scene,
        disturbance: Disturbance | None = None,
        meanwhile: Callable[[int], None] = lambda _: None,
        afterwards: Callable[[], None] = lambda: None,
    ) -> int:
        """Disturb a command, and see that all comes to a good end.

        Args:
            scene: what is done.
            disturbance: of its files.
            meanwhile: called with its process's number while it runs.
            afterwards: called when it has ended: what disturbs it from elsewhere ends, too.

        Returns:
            How the disturbed command ended.

        Raises:
            Wrong: it fell, said nothing, lost something, or does not come back.
        """
        expected = self.expected(scene)
        place = self._place(scene)
        status = self._run(scene, scene.words, place, disturbance, meanwhile)
        afterwards()
        if status >= 0:
            self._check_ending(status)
        check_whole(place, scene.due)
        if status == 0 and scene.end(place) != expected:
            raise Wrong("it ended well, and elsewhere than an undisturbed one")
        for _ in range(0 if scene.finished(place) else _TRIES):
            ended = self._run(scene, scene.again or scene.words, place)
            self._check_ending(ended)
            if ended == 0:
                break
        else:
            if not scene.finished(place):
                raise Wrong(f"given again it does not end well: {self.complaint()}")
        check_whole(place)
        if scene.end(place) != expected:
            raise Wrong("given again it ends elsewhere than an undisturbed one")
        left = [path.name for path in place.rglob("*") if _is_left_over(path)]
        if left:
            raise Wrong(f"it leaves {', '.join(sorted(left))} behind")
        return status

    def with_settings(self, scene: Scene, settings: str) -> Scene:
        """The scene, begun with other settings."""
        start = self.folder / "other"
        shutil.rmtree(start, ignore_errors=True)
        shutil.copytree(scene.start, start)
        (start / "catalog.toml").write_text(settings, encoding="utf-8")
        self.expected(scene)
        return replace(scene, start=start)

    def complaint(self) -> str:
        """What the last command said of errors."""
        return (self.folder / "said.err").read_text(encoding="utf-8", errors="replace")[-1500:]

    def _check_ending(self, status: int) -> None:
        said = self.complaint()
        if "Traceback" in said:
            raise Wrong(f"a traceback: {said}")
        if status not in _REPORTED:
            raise Wrong(f"it ended with {status}: {said}")
        if status and not said.strip() and not (self.folder / "said").stat().st_size:
            raise Wrong(f"it ended with {status} and without a word")

    def _place(self, scene: Scene) -> Path:
        place = self.folder / "place"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(scene.start, place)
        return place

    def _run(
        self,
        scene: Scene,
        words: tuple[str, ...],
        place: Path,
        disturbance: Disturbance | None = None,
        meanwhile: Callable[[int], None] = lambda _: None,
    ) -> int:
        order = Order(
            words=list(words),
            folder=str(place),
            environ=scene.environ,
            said=str(self.folder / "said"),
            disturbance=disturbance,
            record=str(self.record),
        )
        return self._forge.run(order, meanwhile)


def check_whole(place: Path, due: tuple[str, ...] = ()) -> None:
    """The catalog of a folder verifies, if it has one of today's schema.

    Args:
        place: the folder.
        due: checks that may find something.

    Raises:
        Wrong: it does not.
    """
    path = place / "catalog.db"
    if not path.exists():
        return
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    try:
        with read(engine) as conn:
            if revision_of(conn) == HEAD:
                findings = [
                    each
                    for check in verify(conn)
                    if check.name not in due
                    for each in check.findings
                ]
                if findings:
                    raise Wrong(f"the catalog is not whole: {findings[:3]}")
    finally:
        engine.dispose()


def digest_of(path: Path) -> str:
    """The state of a catalog."""
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    try:
        with read(engine) as conn:
            return digest(conn)
    finally:
        engine.dispose()


def _exported(place: Path) -> object:
    """The bytes of every file of an export, which is whole."""
    folder = place / "release"
    wrong = verify_export(folder).findings
    if wrong:
        raise Wrong(f"the export is not whole: {wrong}")
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _is_left_over(path: Path) -> bool:
    """Whether a file is one of those that are there only while something is under way."""
    return any(part in path.name for part in (".partial", ".writing", ".tmp", "-journal"))


def _catalog(place: Path) -> object:
    return digest_of(place / "catalog.db")


@contextmanager
def scenes(forge: Forge, folder: Path) -> Iterator[tuple[dict[str, Scene], RunningGateway]]:
    """All scenes, by the names of their commands, and the gateway that runs meanwhile.

    Args:
        forge: runs what makes their beginnings.
        folder: an empty one.
    """
    population = Population(5, SIZE, pace=50)
    times = FaultTimes(hang=0.3, drip=0.02, retry_after=0, endless=64 * 2**20)
    with running_gateway(population, times=times) as gateway:
        yield {scene.name: scene for scene in _made(forge, folder, gateway)}, gateway


def _made(forge: Forge, folder: Path, gateway: RunningGateway) -> Iterator[Scene]:
    population = gateway.gateway.population
    environ = {
        "SIMULATED_KEY": gateway.key,
        "GPTS_CATALOG_CLOCK": to_iso(population.start + 9 * DAY),
    }

    def begin(name: str) -> Path:
        place = folder / name
        place.mkdir()
        (place / "catalog.toml").write_text(
            SETTINGS.format(base_url=gateway.url("plain")), encoding="utf-8"
        )
        return place

    def do(place: Path, *words: str) -> None:
        order = Order(
            words=list(words), folder=str(place), environ=environ, said=str(folder / "said")
        )
        if forge.run(order) != 0:
            raise Wrong((folder / "said.err").read_text(encoding="utf-8"))

    fresh = begin("harvest")
    do(fresh, "init")
    write_ids(population, fresh / "ids.txt")
    yield Scene("harvest", fresh, ("harvest", "--refs", "ids.txt"), _catalog, environ=environ)

    importing = begin("import")
    shutil.copy(fresh / "catalog.db", importing)
    write_observations(population, importing / "days.jsonl", 3)
    words = ("import", "days.jsonl", "--source", "recorded")
    yield Scene("import", importing, words, _catalog, environ=environ)

    full = folder / "full"
    shutil.copytree(importing, full)
    do(full, *words)
    for name in ("rebuild", "export", "backup"):
        shutil.copytree(full, folder / name)
    yield Scene("rebuild", folder / "rebuild", ("rebuild",), _catalog, environ=environ)
    yield Scene(
        "export",
        folder / "export",
        ("export", "release"),
        _exported,
        finished=lambda place: (place / "release").exists(),
        environ=environ,
    )
    yield Scene(
        "backup",
        folder / "backup",
        ("backup", "backup.db"),
        lambda place: digest_of(place / "backup.db"),
        again=("backup", "backup.db", "--replace"),
        environ=environ,
    )

    merging = begin("merge")
    shutil.copy(fresh / "catalog.db", merging)
    shutil.copy(full / "catalog.db", merging / "other.db")
    do(merging, "harvest", "--refs", str(fresh / "ids.txt"))
    yield Scene("merge", merging, ("merge", "other.db"), _catalog, environ=environ)

    old = begin("upgrade")
    make("0001", full / "catalog.db", old / "catalog.db")
    # Listings are made when the schema is new, some at a time; verify says so, and how to go on.
    due = ("listings", "search index", "facets")
    yield Scene("upgrade", old, ("upgrade",), _catalog, due=due, environ=environ)
