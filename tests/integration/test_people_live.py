"""Accounts and keys in a running hegui: printed once, shown once, working at once, stopped at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import openai
import pytest

from hegui.people.permits import Role
from tests.harness import MARKER, Server, exchanges, hegui, wait_for
from tests.unit.people.desk import PASSWORD, Browser, see
from tests.upstream import ScriptedUpstream


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("live") / "data", upstream=upstream.url).start()
    yield running
    assert running.stop() == 0


def changed(browser: Browser, first: str) -> Browser:
    """Change a first password to the usual one."""
    browser.get("/password")
    assert browser.post("/password", {"old": first, "new": PASSWORD, "again": PASSWORD}).status_code == 303
    return browser


@pytest.fixture(scope="module")
def admin(live: Server) -> Browser:
    browser = Browser(live.console)
    assert browser.sign_in("admin", live.password).status_code == 303
    return changed(browser, live.password)


def officer(live: Server, admin: Browser, name: str) -> Browser:
    admin.get("/accounts")
    opened = admin.post("/accounts", {"name": name, "role": Role.COMPLIANCE_OFFICER.value})
    (password,) = re.findall(r"<code>([\w-]{20})</code></div>", opened.text)
    browser = Browser(live.console)
    assert browser.sign_in(name, password).status_code == 303
    return changed(browser, password)


def says(live: Server, key: str, text: str = "你好") -> str:
    """Ask the gateway with a key and say what came: the text, or the error's code."""
    client = openai.OpenAI(base_url=live.gateway, api_key=key, max_retries=0, timeout=30)
    try:
        answer = client.chat.completions.create(model="echo", messages=[{"role": "user", "content": text}])
    except openai.AuthenticationError:
        return "401"
    finally:
        client.close()
    return answer.choices[0].message.content or ""


def new_key(admin: Browser, service: str) -> tuple[str, str]:
    admin.get("/keys")
    page = admin.post("/keys", {"service": service})
    assert page.status_code == 200
    (secret,) = re.findall(r"hg-[\w-]{43}", page.text)
    row = next(row for row in page.text.split("<tr>") if f"…{secret[-4:]}" in row)
    (number,) = re.findall(r"/keys/([0-9a-f-]{36})/revoke", row)
    return secret, number


def test_the_first_password_is_printed_once_and_kept_nowhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server(tmp_path_factory.mktemp("first") / "data")
    server.start()
    password = server.password
    assert server.log.read_text().count(password) == 2  # the Chinese line and the English one
    with server.database() as connection:
        kept = str(connection.execute("SELECT string_agg(e::text, ' ') FROM evidence_entry e").fetchall())
        kept += str(connection.execute("SELECT string_agg(a::text, ' ') FROM people_account a").fetchall())
    assert password not in kept
    assert server.stop() == 0
    server.log.write_text("")
    server.start()
    try:
        assert "password" not in server.log.read_text()
        assert Browser(server.console).sign_in("admin", password).status_code == 303
        with server.database() as connection:
            assert connection.execute("SELECT count(*) FROM people_account").fetchone() == (1,)
    finally:
        assert server.stop() == 0


def test_a_key_made_in_the_console_works_at_once_and_stops_when_it_is_revoked(live: Server, admin: Browser) -> None:
    secret, number = new_key(admin, "chat")
    assert "你好" in says(live, secret)
    assert admin.post(f"/keys/{number}/revoke").status_code == 303
    assert wait_for(lambda: says(live, secret) == "401", 5)
    assert says(live, secret) == "401"
    assert f"/keys/{number}/revoke" not in admin.get("/keys").text
    other, _ = new_key(admin, "chat")
    assert "你好" in says(live, other)


def test_a_key_speaks_for_its_own_service_only(live: Server, admin: Browser) -> None:
    keys = {service: new_key(admin, service)[0] for service in ("alpha", "beta")}
    hegui("services", "set", "beta", "--data", live.data, "label_position=end")
    for service, key in keys.items():
        assert says(live, key, f"我是{service}")
    reader = officer(live, admin, "reader")
    for service in keys:
        page = see(reader.get(f"/exchanges?service={service}"))
        assert page.text.count("已回答") >= 1
        (number,) = {a["href"] for a in page.all("a") if re.fullmatch(r"/exchanges/[0-9a-f-]{36}", a.get("href", ""))}
        reader.get(number)
        assert f"我是{service}" in see(reader.post(f"{number}/content")).text


@pytest.mark.parametrize("made_up", ["hg-" + "x" * 43, "hg-", "", "sk-abc", "hg-' OR 1=1 --"])
def test_a_key_that_was_never_given_opens_nothing(live: Server, made_up: str) -> None:
    if made_up:
        assert says(live, made_up) == "401"
    answer = Browser(live.gateway).http.post("/chat/completions", json={}, headers={"authorization": f"Bearer {made_up}".strip()})  # fmt: skip
    assert answer.status_code == 401


def test_revoking_by_the_command_line_is_seen_by_console_and_gateway(live: Server, admin: Browser) -> None:
    secret, number = new_key(admin, "chat")
    assert says(live, secret) != "401"
    hegui("keys", "revoke", "--data", live.data, number)
    assert wait_for(lambda: says(live, secret) == "401", 5)
    row = next(row for row in admin.get("/keys").text.split("<tr>") if f"…{secret[-4:]}" in row)
    assert "已撤销" in row
    wrong = hegui("keys", "revoke", "--data", live.data, "-" * 36, check=False)
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr


def test_what_people_did_is_in_the_export_and_names_no_secret(
    live: Server, admin: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret, number = new_key(admin, "chat")
    says(live, secret, MARKER)
    reader = officer(live, admin, "second-reader")
    page = see(reader.get("/exchanges?outcome=refused_input"))
    one = next(a["href"] for a in page.all("a") if re.fullmatch(r"/exchanges/[0-9a-f-]{36}", a.get("href", "")))
    reader.get(one)
    assert MARKER in reader.post(f"{one}/content").text
    admin.get("/keys")
    admin.post(f"/keys/{number}/revoke")
    out = tmp_path_factory.mktemp("export") / "out"
    records = live.export(out)
    kinds = {record["kind"] for record in records}
    assert {"account.opened", "account.signed_in", "account.password_changed", "key.created", "key.revoked", "content.read"} <= kinds  # fmt: skip
    whole = (out / "records.jsonl").read_text()
    assert not any(text in whole for text in (secret, PASSWORD, live.password, MARKER))
    read = [record["payload"] for record in records if record["kind"] == "content.read"]
    assert one.rpartition("/")[2] in {item["exchange"] for item in read}
    assert {item["exchange"] for item in read} <= {item["content_id"] for item in exchanges(records)}
