"""WSGI entry points; configured by the files that OS_TRICIRCLE_CONFIG_FILES names."""
