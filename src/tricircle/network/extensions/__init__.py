"""API extensions. Neutron loads each file of this folder by itself; nothing else belongs here."""
