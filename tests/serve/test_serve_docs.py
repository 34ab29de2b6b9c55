"""The service describes itself, offline, and its answers are as it says."""

import re
from pathlib import Path

import httpx
import jsonschema
import pytest
from serve_helpers import picture, send

from browser import CHROMIUM, Browser
from ferflow.serve.problems import KINDS


def schema(service: httpx.Client, name: str) -> dict[str, object]:
    openapi = service.get("/openapi.json").json()
    return {"$ref": f"#/components/schemas/{name}", "components": openapi["components"]}


def test_an_answer_is_as_described(service: httpx.Client) -> None:
    answer = send(service, picture()).json()
    jsonschema.validate(answer, schema(service, "Answer"))
    answer["pictures"][0]["faces"][0]["score"] = "high"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(answer, schema(service, "Answer"))


def test_the_description_names_every_type_and_status(service: httpx.Client) -> None:
    post = service.get("/openapi.json").json()["paths"]["/predict"]["post"]
    types = {"image/jpeg", "image/png", "image/webp", "multipart/form-data"}
    assert set(post["requestBody"]["content"]) == types
    ours = {kind.status for code, kind in KINDS.items() if code not in ("not_found", "method_not_allowed")}
    assert {int(status) for status in post["responses"]} == {200} | ours
    assert all(
        "application/problem+json" in response["content"]
        for status, response in post["responses"].items()
        if status != "200"
    )


def test_the_page_names_no_other_host(service: httpx.Client) -> None:
    page = service.get("/docs").text
    links = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)""", page)
    assert links
    for link in links:
        assert not re.match(r"(https?:)?//", link), link
        if link.startswith("/"):
            assert service.get(link).status_code == 200, link


@pytest.mark.skipif(not CHROMIUM, reason="needs a Chromium")
def test_a_browser_shows_the_page_without_asking_another_host(service: httpx.Client, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        browser.open(f"{service.base_url}/docs")
        shown = browser.evaluate(
            "new Promise(done => { const look = () => document.querySelector('.opblock-summary-path') ? "
            "done(document.body.innerText) : setTimeout(look, 50); look(); })"
        )
        assert "/predict" in shown
        assert "/metrics" in shown
        assert {url for url in browser.requests() if not url.startswith(str(service.base_url))} == set()
        assert browser.complaints() == []
