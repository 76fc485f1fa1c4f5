import re

from pages import make_run
from PIL import Image
from playwright.sync_api import expect


def test_from_a_new_run_through_live_curves_to_an_overlay(visit, store, tmp_path):
    tab = visit("/train?preset=smoke")
    expect(tab.get_by_role("heading", name="Train")).to_be_visible()
    expect(tab.get_by_text("These images are drawn by the program")).to_be_visible()
    tab.get_by_role("spinbutton", name="Epochs").fill("15")
    tab.get_by_role("spinbutton", name="Epochs").press("Enter")
    expect(tab.get_by_text("15 times over")).to_be_visible()
    tab.locator(".st-key-start").get_by_role("button").click()

    tab.wait_for_url(re.compile(r"/run\?id=\d+"))
    number = int(re.search(r"id=(\d+)", tab.url)[1])
    chart = tab.locator(".live-chart")
    expect(chart).to_have_attribute("data-step", re.compile(r"[1-9]\d*"))
    first = float(chart.get_attribute("data-step"))
    tab.wait_for_function(
        "step => Number(document.querySelector('.live-chart').dataset.step) > step", arg=first
    )
    done = tab.get_by_role("paragraph").filter(has_text="Finished after")
    expect(done).to_be_visible(timeout=120_000)
    accuracy = tab.get_by_test_id("stMetric").filter(has_text=re.compile("accuracy", re.I)).first
    expect(accuracy).to_contain_text("%")
    assert store.run(number).status.state == "finished"

    tab.locator(".st-key-predict").get_by_role("button").click()
    picture = tmp_path / "sky.png"
    Image.linear_gradient("L").convert("RGB").save(picture)
    tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(picture)
    expect(tab.get_by_role("heading", name=re.compile(r"\d\s%\sconfident"))).to_be_visible()
    expect(tab.get_by_text("What the network sees")).to_be_visible()
    overlay = tab.get_by_alt_text(re.compile("^[A-Z].* for "))
    expect(overlay).to_be_visible()
    assert overlay.evaluate("image => image.naturalWidth") >= 256


def test_two_clicks_on_start_make_one_run(visit, store):
    tab = visit("/train?preset=smoke")
    before = len(store.runs())
    tab.locator(".st-key-start").get_by_role("button").dblclick()
    tab.wait_for_url(re.compile(r"/run\?id=\d+"))
    expect(tab.get_by_role("heading", name="on Synthetic shapes")).to_be_visible()
    tab.wait_for_timeout(1000)
    assert len(store.runs()) == before + 1
    run = store.run(store.runs()[0].number)
    run.stop("kill")


def test_a_bad_upload_gets_a_sentence(visit, store, tmp_path):
    run = make_run(store, "Knows nothing")
    tab = visit(f"/predict?run={run.number}")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(broken)
    expect(tab.get_by_text(re.compile("broken.png is"))).to_be_visible()
    expect(tab.get_by_test_id("stException")).to_have_count(0)


def test_why_a_picture_is_too_large_can_be_read_on_a_phone(visit, store, tmp_path):
    run = make_run(store, "Takes small pictures")
    tab = visit(f"/predict?run={run.number}")
    tab.set_viewport_size({"width": 400, "height": 800})
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(51 * 2**20)
    tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(large)
    why = tab.get_by_role("alert").filter(has_text="50.0MB or smaller")
    expect(why).to_be_visible()
    box = why.bounding_box()
    assert box["width"] > 200
    assert box["height"] > 14
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
