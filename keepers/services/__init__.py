"""Pure decisions of the keepers: no clock, no network, no key."""
