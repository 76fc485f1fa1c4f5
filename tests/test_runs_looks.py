from pages import make_run

from cifar_core.runs.looks import count_look, looks, sentence


def test_the_evaluation_at_the_end_of_training_is_the_first_look(page_store):
    assert looks(make_run(page_store, "Unfinished", "stopped")) == []
    (first,) = looks(make_run(page_store, "Done"))
    assert first.where == "the end of training"


def test_a_look_is_kept_with_when_and_from_where(page_store):
    run = make_run(page_store, "Done")
    assert count_look(run, "the page", "00000100-a1") == 2
    assert count_look(run, "the terminal", "00000100-a1") == 3
    assert [look.where for look in looks(run)[1:]] == ["the page", "the terminal"]
    assert looks(run)[1].at <= looks(run)[2].at


def test_how_often_it_was_looked_at_is_said_in_words():
    assert "looked at once" in sentence(1)
    assert "looked at 3 times. Choose by validation, report by test." in sentence(3)
