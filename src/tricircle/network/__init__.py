"""What a stock Neutron loads to be the top's: see doc/source/contributor/network.md."""
