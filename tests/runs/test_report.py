import csv
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fpdf import FPDF
from msgspec import structs
from pages import make_run

from cifar_core.__main__ import main
from cifar_core.config.presets import PRESETS
from cifar_core.disk import files
from cifar_core.errors import AccessError, RunError, UnknownKeyError
from cifar_core.people import VIEWER, Person
from cifar_core.report import lab, markdown, pdf, plotly_json
from cifar_core.report.account import account_of
from cifar_core.report.blocks import Chart, Table, Text
from cifar_core.report.document import compose
from cifar_core.report.edits import edit, edits
from cifar_core.report.fields import FIELDS
from cifar_core.report.formats import FORMATS
from cifar_core.report.html import as_html
from cifar_core.report.model_card import model_card, weakest
from cifar_core.runs import Run
from cifar_core.runs.record.family.ancestors import CONTINUES, Start
from cifar_core.runs.results.predictions import Predictions, keep
from cifar_core.runs.results.test_looks import count_look
from cifar_core.settings import label_of

HOSTILE = "</script><img src=x onerror=alert(1)> **b** | $x_1$ `c`"


@pytest.fixture
def run(page_store):
    return make_run(page_store, "Lab CNN", accuracies=(0.4, 0.5, 0.45))


def texts(document):
    return "\n".join(block.text for block in document.blocks if isinstance(block, Text))


def body_of(page):
    """Return a page without Plotly's own code."""
    return page.replace(plotly_json.library(), "")


def test_a_report_has_every_field_of_the_labs_form(run):
    titles = [getattr(block, "text", "") for block in compose([run]).blocks]
    places = [titles.index(field.title) for field in FIELDS.values()]
    assert places == sorted(places)


def test_a_rate_that_ends_next_to_zero_is_said_in_words(run):
    account = account_of(run)
    rates = account.curves.learning_rate
    rates[-1] = 1.09e-9
    assert f"between nearly 0 and {rates.max():.3g}." in FIELDS["learning_rates"].write(account)
    rates[-1] = rates.max() / 10
    assert f"between {rates.min():.3g} and" in FIELDS["learning_rates"].write(account)


def test_the_rates_of_a_run_that_was_trained_on_are_told_apart(run):
    account = account_of(run)
    curves = account.curves
    began = float(curves.step_epoch[1])
    start = Start(run="1-first", how=CONTINUES, epoch=began)
    vars(account)["about"] = structs.replace(account.about, start=start)
    curves.learning_rate[:2], curves.learning_rate[2:] = (0.1, 0.02), 0.005
    said = FIELDS["learning_rates"].write(account)
    assert said.startswith("After ")
    assert said.endswith("It was 0.005 throughout. Before that, it was between 0.02 and 0.1.")


def test_the_test_accuracy_comes_with_its_interval_and_its_source(run):
    found = next(
        b for b in compose([run]).blocks if isinstance(b, Text) and "test images" in b.text
    )
    assert "45.00\u00a0%" in found.text
    # Wilson, by hand: 900 of 2,000 is 42.83 to 47.19 %
    assert "42.83\u00a0% to 47.19\u00a0%" in found.text
    assert "summary.json" in found.source


def test_uneven_classes_are_named_beside_the_test_accuracy(run):
    def fields(old):
        return {"data": old["data"] | {"test_counts": [1940, 60]}}

    assert "uneven" not in texts(compose([run]))
    files.edit(run.path / "environment.json", dict, fields)
    more = {"test_balanced_accuracy": 0.5, "test_macro_f1": 0.49}
    files.edit(run.path / "summary.json", dict, lambda _: more)
    said = texts(compose([run]))
    assert "right for 97.0\xa0% of the test images" in said
    assert "The balanced accuracy is 50.0\xa0%" in said


def test_all_numbers_and_texts_say_where_they_come_from(run):
    first, *rest = [b for b in compose([run]).blocks if isinstance(b, Text | Table)]
    assert "Made with" in first.text
    assert [block for block in rest if not block.source] == []


def test_a_run_that_has_measured_nothing_is_refused_with_a_sentence(page_store):
    empty = make_run(page_store, accuracies=())
    with pytest.raises(RunError, match="has not finished an epoch"):
        compose([empty])


def test_an_edited_text_is_kept_with_the_run_and_marked(run):
    edit(run, {"interpretation": "It *learns*.\n\nThen it rests."})
    assert edits(Run(run.path)) == {"interpretation": "It *learns*.\n\nThen it rests."}
    page = as_html(compose([run])).decode()
    assert "<p>It *learns*.</p><p>Then it rests.</p><small><mark>edited by hand" in page
    assert "edited by hand" in markdown.as_markdown(compose([run]))


def test_an_empty_text_brings_the_programs_own_back(run):
    before = texts(compose([run], sections=()))
    edit(run, {"epochs": "Many."})
    assert texts(compose([run], sections=())) != before
    edit(run, {"epochs": " "})
    assert texts(compose([run], sections=())).split("\n", 3)[3] == before.split("\n", 3)[3]


def test_a_viewer_reads_reports_but_may_not_edit_them(run):
    seen = Run(run.path, Person(name="guest", role=VIEWER))
    assert compose([seen])
    with pytest.raises(AccessError):
        edit(seen, {"epochs": "Many."})


def test_the_html_needs_nothing_from_outside(run):
    page = as_html(compose([run])).decode()
    assert "default-src 'none'" in page
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", body_of(page)) == []
    assert len(page) < 8e6


def test_the_charts_of_the_html_hold_the_measured_numbers(run):
    page = body_of(as_html(compose([run])).decode())
    (found,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
    traces = json.loads(found)["data"]
    judged = [t["y"] for t in traces if t["name"] == "Validation"]
    assert judged == [[1.8, 1.8, 1.8], [0.4, 0.5, 0.45]]


def test_whatever_a_person_typed_is_text_in_the_html(run):
    run.rename(HOSTILE)
    edit(run, {"description": HOSTILE})
    data = {"classes": [HOSTILE, "b"], "source": run.source, "test_images": 2000}
    files.edit(run.path / "environment.json", dict, lambda _: {"data": data})
    page = body_of(as_html(compose([run], title=HOSTILE, author=HOSTILE)).decode())
    assert "<img" not in page
    assert page.count("<script") == page.count("</script>") == 3  # numbers, library, drawing
    assert page.count("&lt;img src=x") >= 6


def test_a_name_is_no_markup_in_plotlys_legend(run):
    run.rename("<b>bold</b>")
    chart = compose([run, run]).charts[0]
    assert plotly_json.figure(chart)["data"][0]["name"] == "#1 &lt;b&gt;bold&lt;/b&gt;"


def test_whatever_a_person_typed_is_text_in_the_markdown():
    for word in ("<img src=x>", "**b**", "a | b", "# title", "- item", "1. item", "[a](b)", "`c`"):
        kept = markdown.safe(word)
        assert kept.replace("\\", "") == word
        assert kept != word
    assert markdown.safe("0.1 at its peak - 5") == "0.1 at its peak - 5"


def test_the_zip_holds_the_pictures_that_the_markdown_shows(run):
    run.rename("cost $5 _x_")
    found = zipfile.ZipFile(io.BytesIO(markdown.as_zip(compose([run]))))
    text = found.read("report.md").decode()
    shown = re.findall(r"\]\((charts/.*?)\)", text)
    assert sorted(found.namelist()) == sorted(["report.md", *shown])
    assert found.read(shown[0]).startswith(b"\x89PNG")


def test_the_pdf_takes_hostile_and_foreign_names(run):
    run.rename(HOSTILE[:60] + " Żółć Ελλ")
    found = pdf.as_pdf(compose([run], author="Дарья"))
    assert found.startswith(b"%PDF")
    assert len(found) < 1e6


def test_the_columns_of_a_pdf_follow_their_longest_text():
    rows = (("a" * 30, "12 characters"),)
    assert pdf.widths(Table(titles=("x", "y"), rows=rows)) == (24, 13)
    assert isinstance(pdf.blank("x"), FPDF)


def test_the_csv_has_a_line_for_each_run(run, page_store):
    other = make_run(page_store, "=cmd()")
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"].write(compose([other, run])).decode())))
    assert [row["run"] for row in rows] == ["2", "1"]
    assert rows[0]["name"] == "'=cmd()"  # a spreadsheet would execute it
    assert float(rows[1]["test_accuracy"]) == 0.45


def test_several_runs_are_compared_in_one_chart(run, page_store):
    document = compose([run, make_run(page_store, "Another")])
    assert isinstance(document.charts[0], Chart)
    assert [line.name for line in document.charts[0].panels[0].lines] == [
        "#1 Lab CNN",
        "#2 Another",
    ]


def test_settings_are_listed_where_they_differ_from_the_default(run):
    table = [b for b in compose([run], sections=["settings"]).blocks if isinstance(b, Table)][-1]
    epochs = next(f for f in run.config.relevant() if f.name == "epochs")
    assert (label_of(epochs), "5") in table.rows


def test_the_labs_report_takes_the_newest_run_of_each_preset(page_store):
    wanted = {**PRESETS["lab_cnn"].values, "epochs": PRESETS["lab_cnn"].config.epochs}
    make_run(page_store, "older", **wanted)
    make_run(page_store, "newer", seed=7, **wanted)
    make_run(page_store, "other settings", **{**wanted, "learning_rate": 0.01})
    make_run(page_store, "failed", "failed", **wanted)
    found = lab.lab_runs(page_store)
    assert found.trained == (2,)
    assert found.missing == lab.LAB[1:]


def test_the_terminal_writes_a_report_in_the_format_of_its_name(run, tmp_path, capsys):
    target = tmp_path / "report.md"
    assert main(["report", str(run.number), "--out", str(target), "--author", "Ann"]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    assert "Ann" in target.read_text("utf-8")
    assert main(["report", str(run.number), "--out", "report.docx"]) == 2
    assert ".html" in capsys.readouterr().err


def test_an_unknown_field_is_refused(run):
    with pytest.raises(UnknownKeyError, match="field of a report"):
        edit(run, {"conclusion": "x"})


def test_the_style_is_part_of_the_package():
    assert (Path(plotly_json.__file__).with_name("report.css")).exists()


def test_the_model_card_names_the_classes_that_are_found_least_often(run):
    classes = tuple(run.environment.data.classes)
    labels = np.repeat(np.arange(10), 2)
    logits = np.eye(10, dtype=np.float32)[labels]
    logits[6:8] = np.eye(10)[0]  # both of class 3 are taken for class 0, and one of class 5
    logits[10] = np.eye(10)[0]
    keep(Predictions(run=run, checkpoint=run.checkpoint().name, part="test", classes=classes,
                     indexes=np.arange(20), labels=labels, logits=logits))  # fmt: skip
    assert weakest(account_of(run)) == ""  # nobody has opened the test results
    count_look(run, "the page", run.checkpoint().name)
    rows = dict(model_card(account_of(run)).rows)
    said = rows["Lowest recall"]
    assert said.startswith(f"{classes[3]} 0.0\u00a0%, {classes[5]} 50.0\u00a0%, ")
