"""The plugin's tables in Neutron's database, and their migrations."""
