"""How fast the engine is, how much memory it takes and how it grows: python -m benchmarks.run --help."""
