#!/usr/bin/env python3
"""Make test data for the queue: `python generate_test_data.py [SOURCE] [OPTIONS]`; see `--help`."""

from snapshotter.testdata.cli import main

if __name__ == "__main__":
    main()
