import pytest

from cifar_core.errors import AccessError
from cifar_core.people import ADMIN, OPERATOR, ROLES, VIEWER, Person, local_user, role_of

LISTS = {"admin": ("ana@lab.org",), "operator": ("@lab.org",), "viewer": ("*",)}


def person(role, name="ana@lab.org"):
    return Person(name=name, role=role)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("ana@lab.org", ADMIN),
        ("Ana@Lab.org", ADMIN),
        ("ben@lab.org", OPERATOR),
        ("cleo@elsewhere.org", VIEWER),
        ("ben@notlab.org", VIEWER),
        ("evil@evil.org@lab.org", VIEWER),
    ],
)
def test_the_highest_list_that_holds_a_name_gives_the_role(name, role):
    assert role_of(name, LISTS) is role


def test_a_name_in_no_list_has_no_role():
    assert role_of("cleo@elsewhere.org", {**LISTS, "viewer": ("@lab.org",)}) is None


def test_a_higher_role_may_all_that_a_lower_one_may():
    ranked = sorted(ROLES.values(), key=lambda role: role.rank)
    for place, role in enumerate(ranked):
        assert [person(role).may(needed) for needed in ranked] == [
            index <= place for index in range(len(ranked))
        ]


def test_what_belongs_to_somebody_else_is_left_to_admins():
    assert person(OPERATOR).may(OPERATOR, "ana@lab.org")
    assert person(OPERATOR).may(OPERATOR, "")
    assert not person(OPERATOR).may(OPERATOR, "ben@lab.org")
    assert person(ADMIN).may(OPERATOR, "ben@lab.org")


def test_a_refusal_says_who_could_help():
    with pytest.raises(AccessError, match=r"is a viewer here and may not start runs.*an operator"):
        person(VIEWER).must(OPERATOR, "start runs")
    with pytest.raises(AccessError, match=r"belongs to ben.*owner or an admin"):
        person(OPERATOR).must(OPERATOR, "stop it", "ben@lab.org")


def test_whoever_sits_at_the_machine_may_everything():
    assert local_user().may(ADMIN, "anybody else")
    assert local_user().name
