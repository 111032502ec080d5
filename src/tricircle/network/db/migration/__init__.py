"""The plugin's migrations, for `neutron-db-manage --subproject tricircle`."""
