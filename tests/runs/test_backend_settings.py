import pytest

from cifar_core.errors import AccessError, ConfigError
from cifar_core.people import ADMIN, OPERATOR, Person
from cifar_core.runs.backends import settings
from cifar_core.runs.backends.settings import RaySettings, SlurmSettings
from cifar_core.runs.record import action_log

ANN, BOB = Person(name="ann", role=ADMIN), Person(name="bob", role=OPERATOR)
RAY = RaySettings(address="http://10.0.0.5:8265")


def test_an_admin_sets_clusters_up_and_removes_them(tmp_path):
    settings.set_up(tmp_path, ANN, SlurmSettings(partition="gpu"))
    settings.set_up(tmp_path, ANN, RAY)
    settings.set_up(tmp_path, ANN, RAY)  # changes nothing, so that nothing is written down
    assert settings.read(tmp_path).slurm == SlurmSettings(partition="gpu")
    assert settings.read(tmp_path).ray == RAY
    settings.remove(tmp_path, ANN, "slurm")
    assert settings.read(tmp_path).slurm is None
    assert settings.read(tmp_path).ray == RAY
    did = [action.did for action in action_log.latest(tmp_path)]
    assert did == ["removed Slurm", "set up Ray", "set up Slurm"]


def test_nobody_else_does(tmp_path):
    with pytest.raises(AccessError, match="may not set up Slurm"):
        settings.set_up(tmp_path, BOB, SlurmSettings())
    settings.set_up(tmp_path, ANN, RAY)
    with pytest.raises(AccessError, match="may not remove Ray"):
        settings.remove(tmp_path, BOB, "ray")
    assert settings.read(tmp_path).ray == RAY


@pytest.mark.parametrize(("wanted", "field"), [
    (SlurmSettings(slots=0), "slots"),
    (SlurmSettings(partition="gpu --wrap=id"), "partition"),
    (SlurmSettings(account="-x"), "account"),
    (SlurmSettings(time="soon"), "time"),
    (SlurmSettings(gpus=10_000), "gpus"),
    (SlurmSettings(options=["--mem=16G", "mem"]), "options"),
    (SlurmSettings(options=["--comment=two words"]), "options"),
    (SlurmSettings(options=["-o/tmp/x"]), "options"),
    (SlurmSettings(options=["--wrap=id"]), "options"),
    (SlurmSettings(options=["--wr=id"]), "options"),  # sbatch takes it for --wrap
    (SlurmSettings(options=["--export=ALL"]), "options"),
    (SlurmSettings(options=["--requeue"]), "options"),
    (SlurmSettings(options=["--job-name=x"]), "options"),
    (SlurmSettings(options=["--output=/x"]), "options"),
    (RaySettings(), "address"),
    (RaySettings(address="http://8.8.8.8:8265"), "address"),
    (RaySettings(address=RAY.address, gpus=0, cores=0), "cores"),
])  # fmt: skip
def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path, wanted, field):
    with pytest.raises(ConfigError) as error:
        settings.set_up(tmp_path, ANN, wanted)
    assert list(error.value.problems) == [field]
    assert error.value.problems[field].endswith(".")
    assert not (tmp_path / "backend.json").exists()


@pytest.mark.parametrize("wanted", [
    SlurmSettings(partition="gpu,long", account="lab_1", time="2-0", gpus=0, cores=4,
                  options=["--mem=16G", "--exclusive", "--nodelist=n[1-3]", "--qos=normal"]),
    SlurmSettings(time="4:00:00"), SlurmSettings(time="UNLIMITED"), RAY,
])  # fmt: skip
def test_what_can_be_used(wanted):
    assert settings.problems_of(wanted) == {}
