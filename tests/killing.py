"""Asks `killer.py` to carry out commands in processes of their own, and to kill some."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path


class Killer:
    """Commands in processes of their own; see `killer.py`."""

    def __init__(self):
        folder = Path(__file__).resolve().parent
        path = os.pathsep.join([str(folder.parent), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, str(folder / "killer.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        )

    def kill(self, root, command, point, now=None):
        """Run a command until a point, its name or its place; None: to its end. Whether it was killed."""
        request = {"workspace": str(root), "command": command, "point": point, "now": now and now.isoformat()}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        assert code in (0, -signal.SIGKILL)
        return code != 0

    def points(self, root, command):
        """All points of a command, in order; runs it."""
        assert not self.kill(root, command, None)
        return self.reached(root)

    @staticmethod
    def reached(root):
        """The points that the last command on a workspace reached, up to the one where it died."""
        return json.loads(Path(f"{root}.points").read_text())

    def close(self):
        """End it."""
        with self._process:
            self._process.stdin.close()
