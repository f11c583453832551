"""Real servers for demo, tests and benchmarks, started as our own child processes."""
