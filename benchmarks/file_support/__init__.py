"""What the benchmarks of connectors that work on files share."""
