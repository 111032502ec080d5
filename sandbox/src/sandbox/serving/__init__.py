"""The programs that run in a sandbox: one module each, with ``preload()`` and, after the fork, ``run(process)``."""
