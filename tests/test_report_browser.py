"""The page in a real browser: clicks, playback, keys, narrow screens, and that it loads and runs nothing foreign.

Nothing is installed here. Chromium, its driver and selenium have to be there, as Debian's packages ``chromium`` and
``chromium-driver`` and the extra ``test`` bring them; where one is missing, these tests are skipped.
"""

import json
import os
import shutil
from importlib.util import find_spec
from time import monotonic
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np
import pytest

from audiofeat import save
from audiofeat.report import save_report
from audiofeat.sections import Segmentation

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
NEEDED = {"selenium": find_spec("selenium"), "chromium": BROWSER, "chromedriver": DRIVER}
MISSING = ", ".join(name for name, found in NEEDED.items() if found is None)
REASON = f"no browser to test the page in: {MISSING} not found" if MISSING else ""
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

SR = 8000
LABELS = [
    "A",
    "B",
    "A",
    "</script><script>document.title='owned'</script>",
    "\"'><img src=x onerror=document.title='owned'>",
]
DURATIONS = [4.0, 6.0, 5.0, 7.0, 8.0]
NAME = "a'\"><script>document.title='owned'<_script>\u2028 #1?%41&b.flac" if os.name != "nt" else "song.flac"
STARTS = np.cumsum([0.0, *DURATIONS])
TOGETHER = [  # arguments of Chromium in a container: as the superuser, without a screen, at home nowhere
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--window-size=1280,900",
]


def segmentation():
    edges = np.rint(SR * STARTS).astype(int)
    starts = np.arange(0, edges[-1], SR // 2)
    owners = np.searchsorted(edges, starts, side="right") - 1
    distance = np.abs(np.subtract.outer(owners, owners)) + 0.01
    common = {
        "eigenvalues": np.ones(3),
        "n_clusters": 4,
        "confidence": 0.5,
        "n_components": 1,
        "parameters": {"sr": None},
    }
    names = [LABELS[i] for i in owners]
    windows = np.stack([starts, starts + SR // 2], axis=1)
    return Segmentation(edges, LABELS, SR, names, windows, np.arange(len(starts)), distance, 1 / distance, **common)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pages of half a minute of noise: with its sound beside it, in it, missing and none."""
    folder = tmp_path_factory.mktemp("page with #1 & '")
    y = np.random.default_rng(0).uniform(-0.1, 0.1, int(SR * STARTS[-1]))
    seg = segmentation()
    save(folder / NAME, y, SR)
    save(folder / "song.aiff", y, SR)
    save(folder / "gone.flac", y, SR)
    save_report(folder / "beside.html", seg, audio=folder / NAME)
    save_report(folder / "inside.html", seg, audio=folder / "song.aiff")
    save_report(folder / "missing.html", seg, audio=folder / "gone.flac")
    save_report(folder / "silent.html", seg, y=y)
    (folder / "gone.flac").unlink()
    return folder


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in [*TOGETHER, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))  # both given: nothing is looked for, or fetched
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture
def page(driver, folder):
    """The page with its sound beside it, loaded anew, as something to ask and to press."""
    return Page(driver, folder / "beside.html")


class Page:
    def __init__(self, driver, path):
        self.driver = driver
        driver.get("about:blank")
        driver.get_log("browser")
        driver.get_log("performance")
        driver.get(path.as_uri())

    def run(self, script, *arguments):
        return self.driver.execute_script(f"return {script}", *arguments)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def wait(self, script, seconds=20.0):
        """Wait until a condition holds in the page."""
        end = monotonic() + seconds
        while not self.run(script):
            assert monotonic() < end, f"{script} did not come true: {self.state}"

    def press(self, *names):
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        for name in names:
            ActionChains(self.driver).send_keys(getattr(Keys, name)).perform()

    def click(self, element, x=0.5, y=0.5):
        """Click on a place of an element, in parts of its width and height."""
        from selenium.webdriver.common.action_chains import ActionChains

        dx, dy = (x - 0.5) * element.rect["width"], (y - 0.5) * element.rect["height"]
        ActionChains(self.driver).move_to_element_with_offset(element, round(dx), round(dy)).click().perform()

    def focus(self, selector):
        self.run("document.querySelector(arguments[0]).focus()", selector)

    def pause(self):
        self.run("document.querySelector('audio').pause()")

    @property
    def time(self):
        return self.run("document.querySelector('audio').currentTime")

    @property
    def playing(self):
        return not self.run("document.querySelector('audio').paused")

    @property
    def state(self):
        """Sections marked in the table, in the strip and in the waveform; the cursor as part of the width."""
        marked = "Array.from(document.querySelectorAll(arguments[0]), (part) => part.dataset.of)"
        return (
            self.run(marked, "tr[aria-current='true']"),
            self.run(marked, ".strip .now"),
            self.run(marked, ".wave path.now"),
            float(self.run("document.querySelector('.cursor').style.left").rstrip("%")) / 100,
        )

    def shows(self, section, time, within=0.05):
        marks = [str(section)]
        *found, cursor = self.state
        assert found == [marks, marks, marks]
        assert cursor == pytest.approx(time / STARTS[-1], abs=within / STARTS[-1])

    @property
    def requests(self):
        """Addresses that were asked of the network, the page and what is inside it left out."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith("data:") and not url.startswith(self.driver.current_url)]

    @property
    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]


def test_a_click_on_a_section_plays_it(page):
    page.wait("document.querySelector('audio').readyState >= 1")
    page.shows(0, 0.0)
    page.all(".jump")[2].click()
    page.wait("document.querySelector('audio').currentTime > 10.2")
    assert page.playing
    page.pause()
    assert 10.2 < page.time < 15.0
    page.shows(2, page.time)
    page.click(page.all("tbody tr")[1], x=0.3)  # anywhere in the row
    page.wait("document.querySelector('audio').currentTime < 9")
    page.pause()
    assert 4.0 <= page.time < 9.0
    page.click(page.all(".strip > svg[data-of='3']")[0])
    page.wait("document.querySelector('audio').currentTime > 14.9")
    page.pause()
    assert 15.0 - 0.02 <= page.time < 20.0
    page.shows(3, page.time)


def test_a_click_on_a_picture_moves_to_that_time(page):
    page.wait("document.querySelector('audio').readyState >= 1")
    page.click(page.all(".wave")[0], x=0.25)
    assert page.time == pytest.approx(7.5, abs=0.1)
    assert not page.playing
    page.shows(1, 7.5, within=0.1)
    for picture in page.all(".matrix"):
        page.click(picture, x=0.8)
        assert page.time == pytest.approx(24.0, abs=0.2)
        page.click(picture, x=0.1)
        assert page.time == pytest.approx(3.0, abs=0.2)
    lines = page.run("Array.from(document.querySelectorAll('.at-x'), (line) => parseFloat(line.getAttribute('x1')))")
    assert lines == pytest.approx([10.0, 10.0], abs=0.7)


def test_the_marks_follow_the_sound(page):
    page.wait("document.querySelector('audio').readyState >= 1")
    page.run("document.querySelector('audio').currentTime = 3.5")
    page.wait("document.querySelector('tr[aria-current]').dataset.of === '0'")
    page.focus(".timeline")
    before = page.state[-1]
    page.press("SPACE")
    page.wait("document.querySelector('tr[aria-current]').dataset.of === '1'")
    page.press("SPACE")
    assert not page.playing
    assert 4.0 - 0.02 <= page.time < 9.0
    page.shows(1, page.time)
    assert page.state[-1] > before
    assert page.all("p.now")[0].text == "Section 2 of 5: B"


def test_a_section_can_be_repeated(page):
    page.wait("document.querySelector('audio').readyState >= 1")
    page.run("document.querySelector('audio').currentTime = 3.2")
    page.wait("document.querySelector('audio').seeking === false")
    button = page.all(".repeat")[0]
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    page.run("window.back = window.late = 0")
    page.run("document.querySelector('audio').addEventListener('seeking', () => { window.back += 1; })")
    page.run(
        "document.querySelector('audio').addEventListener('timeupdate', (event) => {"
        " window.late = Math.max(window.late, event.target.currentTime); })"
    )
    page.focus(".timeline")
    page.press("ENTER")
    page.wait("window.back > 0")
    assert page.time < 4.0
    assert page.run("window.late") < 5.0
    page.press("ENTER")
    page.shows(0, page.time)
    button.click()
    page.run("document.querySelector('audio').currentTime = 3.8")
    page.press("TAB")
    page.run("document.querySelector('audio').play()")
    page.wait("document.querySelector('audio').currentTime > 4.1")
    page.pause()


def test_the_keyboard_is_enough(page):
    page.wait("document.querySelector('audio').readyState >= 1")
    page.press("TAB")
    assert page.run("document.activeElement.getAttribute('role')") == "slider"
    for key, time, section in [
        ("ARROW_RIGHT", 5.0, 1),
        ("ARROW_UP", 10.0, 2),
        ("ARROW_LEFT", 5.0, 1),
        ("PAGE_DOWN", 10.0, 2),
        ("PAGE_DOWN", 15.0, 3),
        ("PAGE_UP", 10.0, 2),
        ("ARROW_DOWN", 5.0, 1),
        ("PAGE_UP", 0.0, 0),
        ("PAGE_DOWN", 4.0, 1),
        ("ARROW_RIGHT", 9.0, 1),
        ("PAGE_UP", 4.0, 1),
        ("PAGE_UP", 0.0, 0),
        ("END", 30.0, 4),
        ("HOME", 0.0, 0),
    ]:
        page.press(key)
        assert page.time == pytest.approx(time, abs=0.03), key
        page.shows(section, time)
    slider = page.all(".timeline")[0]
    page.press("ARROW_RIGHT")
    assert slider.get_attribute("aria-valuetext") == "0:05 of 0:30, section 2 of 5: B"
    assert float(slider.get_attribute("aria-valuenow")) == 5.0
    page.focus(".jump")
    page.press("ARROW_DOWN", "ARROW_DOWN", "ARROW_DOWN", "ARROW_UP")
    assert page.run("document.activeElement.textContent") == "0:10.00"
    page.press("END", "ARROW_DOWN")
    assert page.run("document.activeElement.textContent") == "0:22.00"
    page.press("HOME", "ARROW_DOWN")
    for key in ("ENTER", "SPACE"):
        page.run("document.querySelector('audio').currentTime = 20")
        page.press(key)
        page.wait("Math.abs(document.querySelector('audio').currentTime - 4.5) < 0.6")
        assert page.playing
        page.pause()
    page.run("document.activeElement.blur()")
    page.press("SPACE")  # anywhere
    assert page.playing
    page.press("SPACE")
    assert not page.playing


def test_every_control_is_reached_by_tab_and_can_be_seen(page):
    stops = []
    for _ in range(20):
        page.press("TAB")
        stops.append(page.run("document.activeElement.className || document.activeElement.localName"))
    wanted = ["timeline", "audio", "previous", "next", "repeat", *["jump"] * 5, "summary"]
    assert [stop for i, stop in enumerate(stops) if stops.index(stop) == i or stop == "jump"][: len(wanted)] == wanted
    page.focus(".timeline")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_nothing_but_the_sound_is_asked_for_and_nothing_complains(page, folder):
    page.wait("document.querySelector('audio').readyState >= 1")
    assert {unquote_to_bytes(urlsplit(url).path) for url in page.requests} == {os.fsencode(folder / NAME)}
    assert page.complaints == []


def test_hostile_names_and_labels_are_read_and_not_run(page):
    page.wait("document.querySelector('audio').readyState >= 1")  # the file was found by its name
    title = NAME.removesuffix(".flac").replace("\u2028", "\\u2028")
    assert page.driver.title == page.all("h1")[0].text == title
    assert [cell.text for cell in page.all("tbody th")] == LABELS
    assert not page.all("img")
    assert len(page.all("script")) == 1
    page.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    page.run("document.body.setAttribute('onclick', 'window.ran = 1')")
    page.all("h1")[0].click()
    assert page.run("window.ran") is None  # even markup that came in could not run
    assert len(page.complaints) == 2


def test_sound_inside_the_page(driver, folder):
    page = Page(driver, folder / "inside.html")
    page.wait("document.querySelector('audio').readyState >= 1")
    assert page.run("document.querySelector('audio').duration") == pytest.approx(30.0, abs=0.05)
    page.all(".jump")[3].click()
    page.wait("document.querySelector('audio').currentTime > 15.2")
    page.pause()
    page.shows(3, page.time)
    assert (page.requests, page.complaints) == ([], [])


def test_sound_that_is_gone_is_said(driver, folder):
    page = Page(driver, folder / "missing.html")
    page.wait("!document.querySelector('.trouble').hidden")
    assert page.all(".trouble")[0].text.startswith("This sound could not be played: gone.flac.")


def test_a_page_without_sound(driver, folder):
    page = Page(driver, folder / "silent.html")
    assert not page.all("audio, button, script")
    assert [cell.text for cell in page.all("tbody tr:first-child td")] == ["1", "0:00.00", "0:04.00", "4.00"]
    assert (page.requests, page.complaints) == ([], [])


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_widths_and_schemes(driver, folder, width, scheme):
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        page = Page(driver, folder / "beside.html")
        assert page.run("document.documentElement.scrollWidth") <= width  # nothing sticks out
        for element in page.all(".jump, .previous, .next, .repeat"):
            assert element.rect["height"] >= 31  # large enough for a finger
            assert element.rect["x"] + element.rect["width"] <= width
        ground = page.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        text = page.run("getComputedStyle(document.body).color.match(/\\d+/g).map(Number)")
        assert (sum(ground) < sum(text)) == (scheme == "dark")
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_page_of_four_minutes_opens_at_once(driver, tmp_path):
    rng = np.random.default_rng(0)
    labels = [chr(ord("A") + i % 5) for i in range(40)]
    edges = 6 * SR * np.arange(41)
    starts = np.arange(0, 240 * SR - SR, SR // 4)
    names = [labels[start // (6 * SR)] for start in starts]
    distance = rng.random((len(starts), len(starts)))
    common = {"eigenvalues": np.ones(3), "n_clusters": 5, "confidence": 0.5, "n_components": 1, "parameters": {}}
    windows = np.stack([starts, starts + SR], axis=1)
    seg = Segmentation(edges, labels, SR, names, windows, np.arange(len(starts)), distance, distance, **common)
    save(tmp_path / "song.flac", rng.uniform(-0.9, 0.9, 240 * SR), SR)
    save_report(tmp_path / "song.html", seg, audio=tmp_path / "song.flac")
    assert (tmp_path / "song.html").stat().st_size < 3e6
    page = Page(driver, tmp_path / "song.html")
    loaded = page.run("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert 0 < loaded < 5000  # milliseconds; 2000 is promised, of a machine that does nothing else
    assert len(page.all("tbody tr")) == 40
