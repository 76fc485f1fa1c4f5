import pytest

from cifar_core.errors import AccessError, ConfigError, RunError
from cifar_core.people import ADMIN, OPERATOR, Person
from cifar_core.runs.backends import settings
from cifar_core.runs.backends.backends import Backends
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
    (SlurmSettings(time="\u0664:00:00"), "time"),  # digits, but not those of sbatch
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


def test_a_damaged_file_is_neither_replaced_nor_followed(tmp_path):
    settings.set_up(tmp_path, ANN, RAY)
    backends = Backends(tmp_path)
    backends.refresh()
    path = tmp_path / "backend.json"
    damaged = path.read_text().replace("10.0.0.5", "10.0.0.6")
    path.write_text(damaged)
    backends.refresh()
    assert backends.settings.ray == RAY
    assert backends.why_not("ray") == ""
    with pytest.raises(RunError, match="checksum differs"):
        settings.set_up(tmp_path, ANN, SlurmSettings())
    assert path.read_text() == damaged
    begun_later = Backends(tmp_path)
    begun_later.refresh()
    assert "checksum differs" in begun_later.why_not("ray")


def test_one_wrong_entry_leaves_the_other_cluster(tmp_path):
    (tmp_path / "backend.json").write_text(
        '{"slurm": {"slots": "x"}, "ray": {"address": "http://10.0.0.5:8265", "nr": 1}, "lsf": {}}'
    )
    found, wrong = settings.examined(tmp_path)
    assert (found.slurm, found.ray, list(wrong)) == (None, RAY, ["slurm"])
    shown = " ".join(settings.unknown_entries(tmp_path))
    assert "'lsf'" in shown
    assert "'ray.nr'" in shown


def test_a_cluster_with_settings_that_cannot_be_used_gets_no_runs(tmp_path):
    (tmp_path / "backend.json").write_text('{"slurm": {"slots": 0}}')
    backends = Backends(tmp_path)
    backends.refresh()
    assert "should be from 1 to" in backends.why_not("slurm")


def test_a_removed_cluster_can_still_be_asked(tmp_path):
    settings.set_up(tmp_path, ANN, RAY)
    backends = Backends(tmp_path)
    backends.refresh()
    ray = backends.get("ray")
    settings.remove(tmp_path, ANN, "ray")
    backends.refresh()
    assert backends.get("ray") is None
    assert backends.of("ray") is ray
