"""The project measured beside what a user would write or install instead: `python -m benchmarks`."""
