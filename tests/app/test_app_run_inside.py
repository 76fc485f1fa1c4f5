import pytest
from pages import make_run, open_page, texts


@pytest.fixture
def store(page_store):
    return page_store


def images(page):
    return [caption for element in page.get("image") for caption in element.captions]


def with_test_image(page):
    page.session_state["picked"] = ("test-5",)  # a component cannot be clicked here
    page.run(timeout=120)
    assert not page.exception
    return page


def test_without_a_trained_run_the_page_says_what_to_do(store):
    make_run(store, "Waits", "queued", accuracies=())
    page = open_page("run", tab="inside", id=1)
    assert "has something to show when the first epoch is validated" in texts(page)


def test_the_layers_are_listed_with_their_activity(store):
    make_run(store, "Done")
    page = open_page("run", tab="inside", id=1)
    assert not page.exception
    table = page.dataframe[0].value
    assert list(table["Layer"][:2]) == ["block1.0", "block1.1"]
    assert table["Shape"][0] == "32 x 32 x 32"
    assert (table["Std. dev."] > 0).all()


def test_the_feature_maps_of_a_picture_are_drawn_strongest_first(store):
    make_run(store, "Done")
    page = with_test_image(open_page("run", tab="inside", id=1, view="Feature maps"))
    drawn = [caption for caption in images(page) if caption.isdecimal()]
    assert len(drawn) == 24
    assert f"Channel {drawn[0]}" in images(page)


def test_the_images_that_activate_a_class_are_shown_before_one_is_generated(store):
    make_run(store, "Done")
    page = open_page("run", tab="inside", id=1, view="What excites it")
    assert not page.exception
    assert len(images(page)) == 6
    page.button(key="excite").click().run(timeout=120)
    assert not page.exception
    assert images(page)[-1].startswith("Activation ")


def test_a_graph_is_drawn_for_a_vision_gnn_and_said_in_words(store):
    make_run(store, "Graph", model="vig_nano")
    page = with_test_image(open_page("run", tab="inside", id=1, view="Graph"))
    assert "connected to **9 patches**" in texts(page)
    assert len(page.dataframe[0].value) == 9


def test_no_other_network_has_a_graph_and_the_reason_is_said(store):
    make_run(store, "Done")
    page = with_test_image(open_page("run", tab="inside", id=1, view="Graph"))
    assert "Only a Vision GNN builds a graph" in page.info[0].value
