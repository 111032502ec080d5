"""The programs of a sandbox: one module each, with ``preload()`` and, after the fork, ``run(process)``."""
