"""Many runs made together: parameter grids, hyperparameter searches and rate searches."""
