"""Chunked upload against a small server of its own that can misbehave on request."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
ASSETS = HERE.parents[2] / "assets"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def pattern(size):
    return bytes(i % 251 for i in range(size))


class UploadServer(ThreadingHTTPServer):
    """Keeps parts in memory; ``plan`` holds tricks to play on the next requests, in order."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.parts = {}
        self.meta = {}
        self.finished = []
        self.requests = []
        self.plan = []
        self.gate = threading.Event()  # holds pieces back until set
        self.gate.set()
        self.naming = threading.Event()  # holds the answer to a new upload back until set
        self.naming.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def offsets(self):
        return [offset for method, offset in self.requests if method == "PATCH"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def answer(self, status, body=None, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def break_off(self):
        """Promise an answer and hang up; a silent end would be tried again by Chromium itself."""
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.close_connection = True

    def read(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def trick(self):
        return self.server.plan.pop(0) if self.server.plan else None

    def do_GET(self):
        if not self.path.startswith("/upload/"):
            folder = ASSETS if self.path.startswith("/assets/") else HERE
            file = folder / Path(self.path).name
            self.answer(200, file.read_bytes(), TYPES[file.suffix])
            return
        key = self.path.split("/")[2]
        self.server.requests.append(("GET", None))
        if key in self.server.parts:
            size = self.server.meta[key]["size"]
            self.answer(200, {"offset": len(self.server.parts[key]), "size": size})
        else:
            self.answer(404)

    def do_POST(self):
        body = self.read()
        if self.path.endswith("/done"):
            if self.server.plan and self.server.plan[0] == "short":
                self.server.plan.pop()
                key = self.path.split("/")[2]
                self.server.parts[key] = self.server.parts[key][:2200]
                self.answer(409, {"offset": 2200})
                return
            self.server.finished.append(self.path.split("/")[2])
            self.answer(200)
            return
        meta = json.loads(body)
        if meta["name"].endswith(".exe"):
            self.answer(415, {"message": "This is not a data file.", "code": "E-12"})
            return
        self.server.naming.wait(20)
        key = f"id{len(self.server.parts)}"
        self.server.parts[key], self.server.meta[key] = b"", meta
        self.answer(201, {"id": key, "offset": 0})

    def do_DELETE(self):
        self.server.parts.pop(self.path.split("/")[2])
        self.answer(204)

    def do_PATCH(self):
        key = self.path.split("/")[2]
        offset, data = int(self.headers["Upload-Offset"]), self.read()
        self.server.requests.append(("PATCH", offset))
        self.server.gate.wait(20)
        trick = self.trick()
        if trick in ("cut", "keep and cut"):
            if trick == "keep and cut":  # the bytes arrive, the answer does not
                self.server.parts[key] += data
            self.break_off()
            return
        if trick == "lose":
            self.server.parts[key] = self.server.parts[key][:500]
        if trick == "busy":
            self.answer(503)
            return
        if offset != len(self.server.parts[key]):
            self.answer(409, {"offset": len(self.server.parts[key])})
            return
        self.server.parts[key] += data
        self.answer(200, {"offset": len(self.server.parts[key])})


@pytest.fixture
def server():
    with UploadServer() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.gate.set()
        running.naming.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def tab(page, server):
    page.goto(f"{server.url}/upload.html")
    return page


def send(tab, *, name="brain.h5ad", size=3500, options=None):
    tab.evaluate(
        "([name, size, options]) => sendFile(makeFile(name, size), options)",
        [name, size, options or {}],
    )


def finished(tab):
    tab.wait_for_function("log.done !== null || log.error !== null")
    return tab.evaluate("log")


def test_a_file_arrives_in_pieces_and_whole(tab, server):
    send(tab)
    log = finished(tab)
    assert log["done"] == {"uploadId": "id0"}
    assert server.parts["id0"] == pattern(3500)
    assert server.offsets() == [0, 1000, 2000, 3000]
    assert server.meta["id0"] == {"name": "brain.h5ad", "size": 3500, "purpose": "st"}
    assert server.finished == ["id0"]
    sent = [progress["sent"] for progress in log["progress"]]
    assert sent[-1] == 3500
    assert sent == sorted(sent)


@pytest.mark.parametrize("trick", ["cut", "keep and cut", "busy"])
def test_trouble_on_the_way_is_tried_again_without_loss_or_repeat(tab, server, trick):
    server.plan = [None, trick]
    send(tab)
    assert finished(tab)["error"] is None
    assert server.parts["id0"] == pattern(3500)
    assert "waiting" in tab.evaluate("log.states")


def test_a_409_moves_on_from_the_true_offset(tab, server):
    server.plan = [None, None, "lose"]
    send(tab)
    assert finished(tab)["error"] is None
    assert server.parts["id0"] == pattern(3500)
    assert server.offsets() == [0, 1000, 2000, 500, 1500, 2500]


def test_bytes_found_missing_at_the_end_are_sent_again(tab, server):
    server.plan = [None] * 4 + ["short"]
    send(tab)
    assert finished(tab)["error"] is None
    assert server.parts["id0"] == pattern(3500)
    assert server.finished == ["id0"]


def test_a_server_that_keeps_losing_bytes_ends_the_upload(tab, server):
    server.plan = [None] + ["lose"] * 40
    send(tab)
    assert "losing parts" in finished(tab)["error"]["message"]


def test_a_pause_stops_the_traffic_and_resume_completes_the_file(tab, server):
    server.gate.clear()
    send(tab)
    tab.wait_for_function("log.states.includes('sending')")
    tab.evaluate("upload.pause()")
    server.gate.set()
    tab.wait_for_timeout(200)
    assert len(server.offsets()) <= 1
    tab.evaluate("upload.resume()")
    assert finished(tab)["error"] is None
    assert server.parts["id0"] == pattern(3500)
    assert tab.evaluate("log.states.includes('paused')")


def test_a_pause_before_the_upload_has_a_name_leaves_no_second_upload(tab, server):
    server.naming.clear()
    send(tab)
    tab.evaluate("upload.pause()")
    tab.evaluate("upload.resume()")
    server.naming.set()
    assert finished(tab)["done"] == {"uploadId": "id0"}
    assert server.parts == {"id0": pattern(3500)}


def test_a_cancel_before_the_upload_has_a_name_leaves_nothing(tab, server):
    server.naming.clear()
    send(tab)
    tab.evaluate("upload.cancel()")
    with tab.expect_response(lambda answer: answer.request.method == "DELETE"):
        server.naming.set()
    assert server.parts == {}
    assert tab.evaluate("localStorage.length") == 0


def test_the_same_file_goes_on_after_a_reload(tab, server):
    server.plan = ["keep and cut"]
    send(tab)
    tab.wait_for_function("log.states.includes('waiting')")
    tab.reload()
    send(tab)
    assert finished(tab)["done"] == {"uploadId": "id0"}
    assert server.offsets() == [0, 1000, 2000, 3000]
    assert server.parts["id0"] == pattern(3500)


def test_a_file_the_server_has_forgotten_starts_afresh(tab, server):
    server.gate.clear()
    send(tab)
    tab.wait_for_function("localStorage.length === 1")
    tab.reload()
    server.gate.set()
    server.parts = {"other": b""}
    send(tab)
    assert finished(tab)["done"] == {"uploadId": "id1"}


def test_cancel_ends_the_upload_and_deletes_what_arrived(tab, server):
    server.gate.clear()
    send(tab)
    tab.wait_for_function("localStorage.length === 1")
    with tab.expect_response(lambda response: response.request.method == "DELETE"):
        tab.evaluate("upload.cancel()")
    assert server.parts == {}
    assert tab.evaluate("[upload.state(), localStorage.length]") == ["canceled", 0]
    assert tab.evaluate("log.done") is None
    assert tab.evaluate("log.error") is None


def test_a_refusal_of_the_server_is_shown_in_its_own_words(tab, server):
    send(tab, name="setup.exe")
    assert finished(tab)["error"] == {"message": "This is not a data file.", "code": "E-12"}


def test_a_file_over_the_limit_is_refused_before_any_byte_is_sent(tab, server):
    send(tab, options={"maxBytes": 1000})
    assert finished(tab)["error"]["code"] == "E-15"
    assert server.parts == {}


def test_an_empty_file_is_refused(tab, server):
    send(tab, size=0)
    assert "empty" in finished(tab)["error"]["message"]


def test_a_zone_that_appears_later_uploads_and_tells_dash(tab, server):
    tab.evaluate("addZone({label: 'Transcriptomics file'})")
    tab.get_by_label("Transcriptomics file").set_input_files(
        [{"name": "a.h5ad", "mimeType": "", "buffer": pattern(5000)}]
    )
    tab.wait_for_function("published.length === 1")
    (event,) = tab.evaluate("published")
    data = event["props"]["data"]
    assert event["id"] == "uploaded"
    assert {key: data[key] for key in ("upload_id", "name", "purpose")} == {
        "upload_id": "id0",
        "name": "a.h5ad",
        "purpose": "st",
    }
    assert len(data["nonce"]) > 6
    assert server.parts["id0"] == pattern(5000)
    bar = tab.get_by_role("progressbar", name="Upload of a.h5ad")
    assert bar.get_attribute("aria-valuenow") == "100"


def test_several_files_go_one_after_the_other_to_a_pattern_id(tab, server):
    store = {"type": "upload", "sample": "S1"}
    tab.evaluate("store => addZone({multiple: '', 'store-id': JSON.stringify(store)})", store)
    tab.locator("input[type=file]").set_input_files(
        [
            {"name": name, "mimeType": "", "buffer": pattern(size)}
            for name, size in (("a.imzML", 400), ("a.ibd", 700))
        ]
    )
    tab.wait_for_function("published.length === 2")
    published = tab.evaluate("published")
    assert [event["props"]["data"]["name"] for event in published] == ["a.imzML", "a.ibd"]
    assert published[0]["id"] == store
    assert published[0]["props"]["data"]["nonce"] != published[1]["props"]["data"]["nonce"]


def test_a_dropped_file_is_taken_and_markup_in_its_name_stays_text(tab, server):
    tab.evaluate("addZone({})")
    tab.evaluate(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(makeFile('<img src=x>.h5ad', 600));
          document.querySelector('.dropzone').dispatchEvent(
            new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }"""
    )
    tab.wait_for_function("published.length === 1")
    assert tab.locator(".dropzone-name").inner_text() == "<img src=x>.h5ad"
    assert tab.locator(".dropzone img").count() == 0


def test_a_refusal_in_a_zone_is_an_alert_and_the_buttons_go(tab, server):
    tab.evaluate("addZone({'max-bytes': '10'})")
    tab.locator("input[type=file]").set_input_files(
        [{"name": "a.h5ad", "mimeType": "", "buffer": pattern(50)}]
    )
    alert = tab.get_by_role("alert")
    alert.wait_for()
    assert "E-15" in alert.inner_text()
    assert tab.locator(".dropzone-button").count() == 0


def test_pause_and_resume_in_a_zone_are_reachable_by_keyboard(tab, server):
    server.gate.clear()
    tab.evaluate("addZone({})")
    tab.locator("input[type=file]").set_input_files(
        [{"name": "a.h5ad", "mimeType": "", "buffer": pattern(50)}]
    )
    while not server.offsets():  # a pause before the upload has its id would start another one
        tab.wait_for_timeout(10)
    tab.get_by_role("button", name="Pause a.h5ad").press("Enter")
    resume = tab.get_by_role("button", name="Resume a.h5ad")
    resume.wait_for()
    server.gate.set()
    resume.press("Enter")
    tab.wait_for_function("published.length === 1")
    assert server.parts["id0"] == pattern(50)
