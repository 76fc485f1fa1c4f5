"""The list of mutations keeps step with the program; `make mutants` tries them."""

import mutations


def test_every_mutation_still_has_its_line():
    found = [one for one in mutations.MUTATIONS if one.old in mutations.source(mutations.ROOT, one)]
    assert found == mutations.MUTATIONS
    assert all(one.new != one.old for one in found)
