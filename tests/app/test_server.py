"""The app for others: signed in by an identity provider, behind nginx with a path and TLS."""

import datetime
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from g2is.app.permits import Access, read_access
from g2is.cli import main
from g2is.errors import InputError
from tests.app.conftest import settle
from tests.app.identity import provider
from tests.app.serving import ROOT, free_port, serving
from tests.app.tiny_run import make_run

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
BASE = "/tools/g2is"
MESSAGES = re.compile(rb"Traceback|Error|Warning")


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Two runs, `tiny` and `secret`."""
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder / "tiny")
    shutil.copytree(folder / "tiny", folder / "secret")
    return folder


def certify(folder: Path) -> None:
    """A certificate for localhost, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


@contextmanager
def proxied(folder: Path, upstream: int, port: int) -> Iterator[str]:
    """nginx with the project's own configuration; yields the address of the app behind it."""
    certify(folder)
    values = {
        "G2IS_TLS_PORT": str(port),
        "G2IS_HOST": "localhost",
        "G2IS_PATH": BASE,
        "G2IS_UPSTREAM": f"127.0.0.1:{upstream}",
        "G2IS_CERTIFICATES": str(folder),
    }
    template = (ROOT / "deploy" / "nginx.conf.template").read_text()
    site = re.sub(r"\$\{(G2IS_\w+)\}", lambda found: values[found[1]], template)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}{site}\n}}\n"
    )
    process = subprocess.Popen(
        [str(NGINX), "-e", f"{folder}/error.log", "-p", str(folder), "-c", "nginx.conf"]
    )
    try:
        yield f"https://localhost:{port}{BASE}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("way", ["direct", "nginx"])
def test_who_is_signed_in_sees_their_runs_and_no_others(browser, runs, tmp_path, way):
    """The whole way: sign in at the provider, see some runs, none by their link either, sign out."""
    if way == "nginx" and NGINX is None:
        pytest.skip("needs nginx: apt-get install nginx-light")
    port, outside = free_port(), free_port()
    public = f"https://localhost:{outside}{BASE}" if way == "nginx" else f"http://localhost:{port}"
    access, log = tmp_path / "access.toml", tmp_path / "app.log"
    options = ["--access", str(access), *(["--url", public] if way == "nginx" else [])]
    with provider() as identity, log.open("wb") as output:
        access.write_text(
            identity.secrets_file(f"{public}/oauth2callback", {"t*": ["*@example.org"], "secret": ["ada@*"]})
        )
        base = BASE if way == "nginx" else ""
        with serving(runs, options=options, port=port, base=base, log=output):
            if way == "nginx":
                with proxied(tmp_path, port, outside) as address:
                    assert address == public
                    _visit(browser, public, identity)
            else:
                _visit(browser, public, identity)
            assert main(["health", "--cache", str(runs), "--port", str(port), *options]) == 0
    assert not MESSAGES.search(log.read_bytes()), log.read_text()


def _visit(browser, public: str, identity) -> None:
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 720})
    page = context.new_page()
    try:
        for _ in range(50):
            try:
                page.goto(f"{public}/Instructions?run=secret")
                break
            except Exception:
                time.sleep(0.1)
        page.get_by_role("button", name="Sign in").wait_for()
        assert "tiny" not in page.locator("body").inner_text()
        identity.person = {"email": "Bob@Example.org", "email_verified": True}
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("Signed in as").wait_for()
        settle(page)
        assert page.url.startswith(public)
        # The page it opens is Home, and of the runs there is one; a link to the other opens the one that he may see.
        page.goto(f"{public}/Instructions?run=secret")
        page.get_by_text("Signed in as").wait_for()
        settle(page)
        assert "run=secret: expected one of tiny. It is not used" in page.locator("body").inner_text()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in").wait_for()
        # Nobody vouches for the address of the next, so that she sees nothing.
        identity.person = {"email": "ada@example.org", "email_verified": False}
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("without a verified address").wait_for()
        settle(page)
        text = page.locator("body").inner_text()
        assert "secret" not in text and "tiny" not in text
    finally:
        context.close()


def test_a_run_that_nobody_names_is_seen_by_nobody():
    access = Access({"demo": ("*@example.org",), "a*": ("ada@example.org",)})
    assert access.sees("bob@example.org", "demo") and access.sees("ADA@example.org", "abc")
    assert not access.sees("bob@example.org", "abc") and not access.sees("bob@example.com", "demo")
    assert not access.sees("ada@example.org", "other") and not access.sees("", "demo")


@pytest.mark.parametrize(
    "text",
    ["", "x = ", "[auth]\nredirect_uri = 'a'\ncookie_secret = 'b'", "[runs]\ndemo = ['*']"],
    ids=["empty", "not TOML", "no runs", "no provider"],
)
def test_a_file_that_does_not_say_who_may_see_what_is_refused_before_the_app_starts(tmp_path, text, capsys):
    path = tmp_path / "access.toml"
    path.write_text(text)
    assert main(["app", "--access", str(path), "--cache", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(InputError):
        read_access(tmp_path / "missing.toml")


def test_health_says_in_one_line_what_is_wrong(runs, capsys):
    assert main(["health", "--cache", str(runs), "--port", str(free_port())]) == 2
    assert re.fullmatch(r"error: http://localhost:\d+: does not answer .*\n", capsys.readouterr().err)


def test_health_tells_of_a_damaged_run(tmp_path, server, runs, capsys):
    shutil.copytree(runs / "tiny", tmp_path / "tiny")
    assert main(["health", "--cache", str(tmp_path), "--port", str(server.port)]) == 0
    assert "1 run can be read" in capsys.readouterr().out
    (tmp_path / "tiny" / "samples.parquet").write_bytes(b"")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_bytes(b"[" * 60_000)
    shutil.copytree(runs / "tiny", tmp_path / "whole")
    # One bad folder must not have the whole site ended.
    assert main(["health", "--cache", str(tmp_path), "--port", str(server.port)]) == 0
    line = r"ok: [^\n]*, 1 run can be read, 2 cannot: [^\n]*manifest\.json: not readable [^\n]*; and 1 more\n"
    assert re.fullmatch(line, capsys.readouterr().out)
