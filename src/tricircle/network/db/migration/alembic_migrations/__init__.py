"""One branch of expansions and one of contractions, as Neutron has them."""
