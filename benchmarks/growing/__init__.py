"""The parts of ``python -m benchmarks growth``: each measures one part of the platform at several sizes."""
