#!/usr/bin/env python3
"""Process the queue of the workspace: `python driver.py [COMMAND] [OPTIONS]`; see `--help`."""

from snapshotter.cli import main

if __name__ == "__main__":
    main()
