"""XJob: the worker, what announces jobs to it, its periodic work, and one module for each job type."""
