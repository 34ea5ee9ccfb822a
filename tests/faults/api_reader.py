"""Reads a workspace over and over through the Python API: `api_reader.py WORKSPACE`.

Each look is a line of JSON on stdout: the rows of the current snapshot as [id, v, check, source], or what went wrong.
"""

import json
import sys

from snapshotter import SnapshotterError, Workspace


def look(workspace: Workspace) -> dict:
    """All that can be asked; the rows."""
    snapshots = workspace.snapshots()
    if not snapshots:
        return {"rows": []}
    workspace.status()
    workspace.files()
    workspace.latest()
    workspace.rejects()
    workspace.diff(snapshots[0].snapshot, snapshots[-1].snapshot)
    frame = workspace.show()
    return {"rows": frame[["id", "v", "check", "source_filename"]].to_numpy().tolist()}


def main() -> None:
    """Look until nobody listens."""
    while True:
        try:
            answer = look(Workspace(sys.argv[1]))
        except (SnapshotterError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
