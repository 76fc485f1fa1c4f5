"""The page of one data set: whether its images can be trusted, and five tabs to look at them."""
