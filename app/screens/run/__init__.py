"""The Run page: one run, in five tabs."""
