"""What a session remembers, by key, and the store and the devices that it works with."""

from enum import StrEnum
from pathlib import Path
from typing import Any

import streamlit as st

from app.access.admission import person
from cifar_core import devices
from cifar_core.runs import Store
from cifar_core.runs.backends import settings as backend_settings


class Key(StrEnum):
    """What a session remembers from one interaction to the next, besides its widgets."""

    DELETED = "deleted"  # ids of the runs that an undo would restore
    BESIDE = "second_network"  # whether the choice of further networks is shown
    DRAFT = "draft"  # plain settings that the Train page starts from
    DRAFT_SOURCE = "draft_source"  # the preset or the run that they come from
    DRAFT_NUMBER = "draft_number"  # goes up with each draft, so that its controls are reset
    DRAFT_START = "draft_start"  # the checkpoint of a run whose weights the draft starts from
    DRAFT_TEACHERS = "draft_teachers"  # the checkpoints of runs that the draft learns from
    OWN_ASKED = "own_asked"  # the start and the teachers in the address that was followed last
    AWAITED = "awaited"  # images for which a network is to be proposed once they are open
    PROPOSED = "proposed"  # the proposal taken last, and its images
    STARTED = "started"  # id of the run that this draft became, or the token of its sweep
    VARIED = "varied"  # the draft and the address's lists that were put into it
    RATE_SEARCH = "rate_search"  # number of the rate search that this form became
    ESTIMATE = "estimate"  # the settings measured last, and the result
    LARGEST_BATCH = "largest_batch"  # the settings whose largest batch was measured, and the result
    RESHUFFLE = "reshuffle"  # seed of the augmentation preview
    PICKED = "picked"  # the chosen pictures, as an address names them, such as test-5
    CAMERA = "camera_on"  # whether pictures are taken with the camera
    PICKER_PAGE = "picker_page"  # which test images are offered to choose from
    USUAL_METHOD = "usual_method"  # the saliency method shown last without being asked for
    REQUESTED_METHODS = "requested_methods"  # slow saliency methods that the person has started
    TESTED_MAPS = "tested_maps"  # digests of the maps that the person has had tested
    ADDRESS = "address"  # of choices that follow the address: its words and their value, last time
    LINKED = "linked"  # the pictures that the address named when it was last followed
    REMOVED_SET = "removed_set"  # the source of the data set that an undo would restore
    UPLOAD_STEP = "upload_step"  # of the dialog "Your own images": its step, and the uploaded set
    UPLOAD_LOOK = "upload_look"  # what was found in an uploaded set, and when it was changed last
    BROWSE_SEED = "browse_seed"  # chooses the images shown on the Data page
    REVEALED = "revealed"  # ids of the runs whose test results this session has viewed
    GALLERY_PAGE = "gallery_page"  # which pictures of a gallery are shown
    FOLLOWED = "followed"  # the image followed over the epochs, named as in Explain's address
    TAB = "tab"  # whose tab was drawn last, and which
    WATCHED = "watched"  # id of the run under way that the Watch tab drew last, and when
    PICTURED = "pictured"  # id of the run whose watched images are drawn
    ALERTS_SEEN = "alerts_seen"  # when the visitor last looked at the list of news
    ALERTS_NEW = "alerts_new"  # how many news came since then, as the label of the list says
    CHART = "chart"  # the live chart's own state: the part zoomed in on
    MACHINE_CHART = "machine_chart"  # the same for the machine's, which follows it
    MACHINE_OPENED = "machine_opened"  # run and findings for which the panel opened by itself
    COMPARE_CHART = "compare_chart"  # the same for the curves on the Compare page
    COST_CHART = "cost_chart"  # the same for accuracy against cost on the Compare page
    COMPARE_REQUEST = "compare_request"  # the split and runs whose predictions Compare computes
    COMPARE_DECLINED = "compare_declined"  # of those, what was canceled or could not be started
    QUEUE_ANSWERED = "queue_answered"  # token of the last move in the queue that was dealt with
    EDITING = "editing"  # whether the dialog that edits a sweep is open
    MENUS = "menus"  # how many menus of a run were closed by a dialog that they opened
    LOOKED = "looked"  # what was found in files of another tool that are about to be imported
    PREVIEW_DUE = "preview_due"  # whether the preview of these is to be opened
    LOOKS = "looks"  # how often such files were read in this session
    TICKS = "ticks"  # the ticked rows of the list of runs
    COMPARE_REVEALED = "compare_revealed"  # ids of the runs whose test results Compare shows


def store() -> Store:
    """Return the store named by the environment, opened as the person of this session.

    It caches nothing, so that a changed role takes effect at once.
    """
    return Store.default(person())


def inventory() -> devices.Inventory:
    """Return this machine's devices, as the last probe found them."""
    root = store().root
    return devices.known(root) or probed(str(root))


def clusters() -> backend_settings.BackendSettings:
    """Return the clusters that an admin has set up for the store."""
    return backend_settings.read(store().root)


@st.cache_data(ttl=300, show_spinner="Checking the GPU")
def probed(root: str) -> devices.Inventory:
    """Probe the devices, which takes seconds; once, unless the store cannot keep the result."""
    return devices.current(Path(root))


def remembered(key: Key, default: Any = None) -> Any:
    """Return what the session remembers under a key."""
    return st.session_state.get(key, default)


def remember(key: Key, value: Any) -> None:
    """Keep a value for the session."""
    st.session_state[key] = value
