"""The HTTP listener: what exists, what does not, and a port that is taken."""

import http.client
import json

import pytest

from mmbot.cli.listener import Listener, Response, json_response
from mmbot.errors import ConfigError


def respond(path):
    if path == "/page":
        return Response(200, "text/plain", b"hello", {"Refresh": "2"})
    if path == "/fails":
        raise ValueError("a page that fails")
    return json_response(503, {"b": 1.5, "a": None}) if path == "/down" else None


def ask(listener, method, path):
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


@pytest.fixture
def listener():
    with Listener("127.0.0.1", 0, respond) as one:
        yield one


@pytest.mark.spec("05-2")
def test_pages_queries_unknown_paths_and_other_methods(listener):
    status, headers, body = ask(listener, "GET", "/page?x=1")
    assert (status, headers["Content-Type"], headers["Refresh"], body) == (
        200,
        "text/plain",
        "2",
        b"hello",
    )
    assert ask(listener, "HEAD", "/page")[2] == b""
    assert ask(listener, "GET", "/down")[::2] == (503, b'{"a":null,"b":1.5}')
    assert ask(listener, "GET", "/other")[::2] == (404, b'{"error":"not_found"}')
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        status, _, body = ask(listener, method, "/page")
        assert (status, json.loads(body)) == (405, {"error": "method_not_allowed"})


def test_a_page_that_fails_is_an_internal_error_without_details(listener):
    assert ask(listener, "GET", "/fails")[::2] == (500, b'{"error":"internal"}')
    assert ask(listener, "GET", "/page")[0] == 200


@pytest.mark.spec("05-1")
def test_a_busy_port_is_an_error_that_names_it(listener):
    with pytest.raises(ConfigError, match=rf"E_ADMIN_PORT: {listener.port} "):
        Listener("127.0.0.1", listener.port, respond)
